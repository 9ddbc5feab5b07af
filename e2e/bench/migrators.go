package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testnet/gotool"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
)

// The tools that migrate is compared with. Their versions are pinned, so that figures
// stay comparable.
const (
	golangMigrate = "github.com/golang-migrate/migrate/v4/cmd/migrate@v4.20.1"
	goose         = "github.com/pressly/goose/v3/cmd/goose@v3.29.0"
	tern          = "github.com/jackc/tern/v2@v2.3.4"
)

// peerBinaries are the tools, built with the drivers of PostgreSQL and MySQL.
type peerBinaries struct{ golangMigrate, goose, tern string }

func buildPeers() (p peerBinaries, err error) {
	for _, tool := range []struct {
		path *string
		pkg  string
		tags []string
	}{
		{&p.golangMigrate, golangMigrate, []string{"postgres", "mysql"}},
		{&p.goose, goose, []string{"no_clickhouse", "no_libsql", "no_mssql", "no_sqlite3", "no_vertica", "no_ydb"}},
		{&p.tern, tern, nil},
	} {
		if *tool.path, err = gotool.Build(tool.pkg, tool.tags...); err != nil {
			return p, err
		}
	}
	return p, nil
}

// A server is a database server that keeps its data as in production.
type server struct {
	name  string
	goose string // the driver's name in goose
	tern  bool   // whether tern supports it
	New   func(testnet.TB) string
	url   func(database string) string
	dsn   func(database string) string // for goose
	peer  func(database string) string // for golang-migrate
}

func servers(t testnet.TB) []server {
	postgres := testdb.StartPostgres(t, &testdb.PostgresSetup{Settings: []string{"fsync=on", "full_page_writes=on", "synchronous_commit=on"}})
	maria := testdb.StartMySQL(t, &testdb.MySQLSetup{Args: []string{"--innodb-flush-log-at-trx-commit=1", "--innodb-flush-method=O_DIRECT"}})
	dsn := func(options string) func(string) string {
		return func(database string) string {
			return fmt.Sprintf("%s:%s@tcp(%s)/%s?%s", testdb.Admin, testdb.AdminPassword, maria.Addr(), database, options)
		}
	}
	return []server{
		{"PostgreSQL", "postgres", true, postgres.NewDatabase, postgres.URL, postgres.URL, postgres.URL},
		{"MariaDB", "mysql", false, maria.NewDatabase, maria.URL, dsn("parseTime=true"), func(database string) string {
			return "mysql://" + dsn("multiStatements=true")(database)
		}},
	}
}

// A migrator is one tool: its name, the name and content of its files, its command.
type migrator struct {
	name    string
	missing string
	file    string // of version %d
	content string // around %s
	argv    func(dir, database string) []string
}

// migrators are the tools, initbox first.
func (b *bench) migrators(s server, p peerBinaries) []migrator {
	all := []migrator{
		{"initbox migrate", "", "%d_step.up.sql", "%s", func(dir, database string) []string {
			return []string{b.initbox, "migrate", "--source", dir, "--database", s.url(database)}
		}},
		{peerMigrate, "", "%d_step.up.sql", "%s", func(dir, database string) []string {
			return []string{p.golangMigrate, "-source", "file://" + dir, "-database", s.peer(database), "up"}
		}},
		{"goose", "", "%05d_step.sql", "-- +goose Up\n%s", func(dir, database string) []string {
			return []string{p.goose, "-dir", dir, s.goose, s.dsn(database), "up"}
		}},
		{"tern", "", "%03d_step.sql", "%s", func(dir, database string) []string {
			return []string{p.tern, "migrate", "--migrations", dir, "--conn-string", s.url(database)}
		}},
	}
	if !s.tern {
		all[3].missing = "tern is for PostgreSQL alone"
	}
	return all
}

const peerMigrate = "golang-migrate"

// write makes a folder of n files, each with a minimal migration.
func (m migrator) write(root string, n int) (dir string, err error) {
	dir = filepath.Join(root, fmt.Sprintf("%s-%d", strings.ReplaceAll(m.name, " ", "-"), n))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	for v := 1; v <= n; v++ {
		text := fmt.Sprintf(m.content, "SELECT 1;\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(m.file, v)), []byte(text), 0o644); err != nil {
			return "", err
		}
	}
	return dir, nil
}
