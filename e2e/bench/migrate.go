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

// How many files there are: a young project, and one of some years.
const (
	fewMigrations  = 50
	manyMigrations = 500
)

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
	head := []string{""}
	for _, m := range all {
		head = append(head, m.name)
	}
	t = table{append(head, "to golang-migrate", "target", "")}
	for _, files := range []int{fewMigrations, manyMigrations} {
		apply, noop := make([][]time.Duration, len(all)), make([][]time.Duration, len(all))
		for i := range b.migrateRuns {
			a, n, err := b.round(tb, server, all, i, files)
			if err != nil {
				return nil, err
			}
			for k := range all {
				apply[k], noop[k] = append(apply[k], a[k]), append(noop[k], n[k]...)
			}
		}
		t.compare(fmt.Sprintf("%d files, nothing to do", files), noop, 0.6, files == fewMigrations)
		t.compare(fmt.Sprintf("%d files, all of them", files), apply, 1.0/3, files == manyMigrations)
	}
	return t, nil
}

// round lets each tool migrate a new database, and then look at it as often as
// asked for, in turn.
func (b *bench) round(tb *helper, server *testdb.Postgres, all []migrator, first, files int) (apply []time.Duration, noop [][]time.Duration, err error) {
	apply, noop = make([]time.Duration, len(all)), make([][]time.Duration, len(all))
	dirs, urls := make([]string, len(all)), make([]string, len(all))
	for j := range all {
		k := (first + j) % len(all)
		dir, err := os.MkdirTemp("", "initbox-bench-")
		if err != nil {
			return nil, nil, err
		}
		defer os.RemoveAll(dir)
		if err := all[k].write(dir, files); err != nil {
			return nil, nil, err
		}
		dirs[k], urls[k] = dir, server.URL(server.NewDatabase(tb))
		if apply[k], err = all[k].run(dir, urls[k]); err != nil {
			return nil, nil, err
		}
	}
	for i := range b.noopRuns {
		for j := range all {
			k := (i + j) % len(all)
			d, err := all[k].run(dirs[k], urls[k])
			if err != nil {
				return nil, nil, err
			}
			noop[k] = append(noop[k], d)
		}
	}
	return apply, noop, nil
}

// compare adds the medians of all tools, of which the first is held against the
// second: it may take at most the part most of its time, if that is a target.
func (t *table) compare(what string, times [][]time.Duration, most float64, target bool) {
	cells := []string{what}
	for _, d := range times {
		cells = append(cells, ms(percentile(d, 50)))
	}
	ratio := float64(percentile(times[0], 50)) / float64(percentile(times[1], 50))
	cells = append(cells, fmt.Sprintf("%.2f", ratio), "", "")
	if target {
		cells[len(cells)-2], cells[len(cells)-1] = fmt.Sprintf("≤ %.2f", most), mark(ratio <= most)
	}
	t.add(cells...)
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
