package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/testnet/gotool"
	"github.com/initbox/initbox/internal/testnet/testdb"
)

// What migrate is compared with, at versions that a change must not move.
const (
	golangMigrate = "github.com/golang-migrate/migrate/v4/cmd/migrate@v4.20.1"
	goose         = "github.com/pressly/goose/v3/cmd/goose@v3.29.0"
	tern          = "github.com/jackc/tern/v2@v2.3.4"
)

// A migrator is one tool: its name, how it names and fills a file, how it is run.
type migrator struct {
	name    string
	file    string // of version %d
	content string // around %s
	argv    func(dir, url string) []string
}

// migrators builds the tools, initbox first.
func (b *bench) migrators() ([]migrator, error) {
	var paths [3]string
	for i, tool := range []struct {
		pkg  string
		tags []string
	}{
		{golangMigrate, []string{"postgres", "pgx5"}},
		{goose, []string{"no_clickhouse", "no_libsql", "no_mssql", "no_mysql", "no_sqlite3", "no_vertica", "no_ydb"}},
		{tern, nil},
	} {
		var err error
		if paths[i], err = gotool.Build(tool.pkg, tool.tags...); err != nil {
			return nil, err
		}
	}
	return []migrator{
		{"initbox migrate", "%d_step.up.sql", "%s", func(dir, url string) []string {
			return []string{b.initbox, "migrate", "--source", dir, "--database", url}
		}},
		{"golang-migrate", "%d_step.up.sql", "%s", func(dir, url string) []string {
			return []string{paths[0], "-source", "file://" + dir, "-database", url, "up"}
		}},
		{"goose", "%05d_step.sql", "-- +goose Up\n%s", func(dir, url string) []string {
			return []string{paths[1], "-dir", dir, "postgres", url, "up"}
		}},
		{"tern", "%03d_step.sql", "%s", func(dir, url string) []string {
			return []string{paths[2], "migrate", "--migrations", dir, "--conn-string", url}
		}},
	}, nil
}

// write makes n files that each do as little as a migration can.
func (m migrator) write(dir string, n int) error {
	for v := 1; v <= n; v++ {
		text := fmt.Sprintf(m.content, "SELECT 1;\n")
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(m.file, v)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (m migrator) run(dir, url string) (time.Duration, error) {
	argv := m.argv(dir, url)
	start := time.Now()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", m.name, err, out)
	}
	return time.Since(start), nil
}

// manyMigrations is how many files there are: a project of some years.
const manyMigrations = 500

// migrate measures all migrations on an empty database and the run after that,
// which finds nothing to do, on a PostgreSQL that keeps its data as in production.
func (b *bench) migrate() (t table, err error) {
	tb := new(helper)
	defer tb.cleanup(&err)
	all, err := b.migrators()
	if err != nil {
		return nil, err
	}
	server := testdb.StartPostgres(tb, &testdb.PostgresSetup{Settings: []string{"fsync=on", "full_page_writes=on", "synchronous_commit=on"}})
	apply, noop := make([][]time.Duration, len(all)), make([][]time.Duration, len(all))
	for i := range b.migrateRuns {
		for j := range all {
			k := (i + j) % len(all)
			a, n, err := all[k].once(tb, server, b.noopRuns)
			if err != nil {
				return nil, err
			}
			apply[k], noop[k] = append(apply[k], a), append(noop[k], n...)
		}
	}
	return migrateTable(all, apply, noop), nil
}

// once migrates one new database and then looks at it noops times.
func (m migrator) once(tb *helper, server *testdb.Postgres, noops int) (apply time.Duration, noop []time.Duration, err error) {
	dir, err := os.MkdirTemp("", "initbox-bench-")
	if err != nil {
		return 0, nil, err
	}
	defer os.RemoveAll(dir)
	if err := m.write(dir, manyMigrations); err != nil {
		return 0, nil, err
	}
	url := server.URL(server.NewDatabase(tb))
	if apply, err = m.run(dir, url); err != nil {
		return 0, nil, err
	}
	for range noops {
		d, err := m.run(dir, url)
		if err != nil {
			return 0, nil, err
		}
		noop = append(noop, d)
	}
	return apply, noop, nil
}

func migrateTable(all []migrator, apply, noop [][]time.Duration) table {
	head := []string{""}
	for _, m := range all {
		head = append(head, m.name)
	}
	t := table{append(head, "to golang-migrate", "target", "")}
	row := func(what string, times [][]time.Duration) (ratio float64, cells []string) {
		cells = []string{what}
		for _, d := range times {
			cells = append(cells, ms(percentile(d, 50)))
		}
		return float64(percentile(times[0], 50)) / float64(percentile(times[1], 50)), cells
	}
	ratio, cells := row("nothing to do, median", noop)
	t.add(append(cells, fmt.Sprintf("%.2f of its time", ratio), "≤ 0.6", mark(ratio <= 0.6))...)
	ratio, cells = row(fmt.Sprintf("%d files, median", manyMigrations), apply)
	t.add(append(cells, fmt.Sprintf("%.1f times as fast", 1/ratio), "≥ 3", mark(1/ratio >= 3))...)
	return t
}

// A helper is what test servers ask of a test, for a program.
type helper struct{ cleanups []func() }

func (h *helper) Helper()          {}
func (h *helper) Cleanup(f func()) { h.cleanups = append(h.cleanups, f) }

// Fatal ends the benchmark; cleanup recovers it.
func (h *helper) Fatal(args ...any) {
	panic(fatal(strings.TrimSpace(fmt.Sprintln(args...))))
}

type fatal string

// cleanup ends what was started, and makes the end by Fatal an error.
func (h *helper) cleanup(err *error) {
	if p := recover(); p != nil {
		text, ours := p.(fatal)
		if !ours {
			panic(p)
		}
		*err = fmt.Errorf("%s", string(text))
	}
	for _, f := range slices.Backward(h.cleanups) {
		f()
	}
}
