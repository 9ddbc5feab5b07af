//go:build integration

package database

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/fault"
)

// A database is one of each kind, with a way to change it.
type database struct {
	options Options
	exec    func(*testing.T, string)
}

func databases(t *testing.T) map[string]database {
	t.Helper()
	p, m, path := servers.Postgres(t), servers.MySQL(t), filepath.Join(t.TempDir(), "a b#?%.db")
	inPostgres, inMySQL := p.NewDatabase(t), m.NewDatabase(t)
	return map[string]database{
		"postgres": {Options{URL: p.URL(inPostgres)}, func(t *testing.T, s string) { p.SQL(t, inPostgres, s) }},
		"mysql":    {Options{URL: m.URL(inMySQL)}, func(t *testing.T, s string) { m.SQL(t, inMySQL, s) }},
		"sqlite":   {Options{Driver: "sqlite", Name: path}, func(t *testing.T, s string) { execSQLite(t, path, s) }},
	}
}

func execSQLite(t *testing.T, path, statement string) {
	t.Helper()
	target, _ := newTarget(t, Options{Driver: "sqlite", Name: path})
	db, err := target.SQLite(SQLiteCreate, url.Values{"_pragma": {"journal_mode(wal)"}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestFirst(t *testing.T) {
	for name, d := range databases(t) {
		t.Run(name, func(t *testing.T) {
			target, _ := newTarget(t, d.options)
			ask := func(query string) (Answer, error) {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				return target.First(ctx, query)
			}
			d.exec(t, "CREATE TABLE t (a integer, b varchar(20))")
			if a, err := ask("SELECT a FROM t"); err != nil || a.Rows {
				t.Errorf("of an empty table: %v, %v", a, err)
			}
			d.exec(t, "INSERT INTO t VALUES (1, 'it''s'), (2, NULL)")
			for query, want := range map[string][]string{
				"": {"1"}, "SELECT count(*) FROM t": {"2"}, "SELECT a, b FROM t ORDER BY a": {"1", "it's"}, "SELECT b FROM t ORDER BY a DESC": {""},
			} {
				if a, err := ask(query); err != nil || !a.Rows || !reflect.DeepEqual(a.Value, want) {
					t.Errorf("%s: %v, %v, want %q", query, a, err, want)
				}
			}
			_, err := ask("SELECT a FROM nosuch")
			if !Missing(err) || fault.Permanent(err) {
				t.Errorf("of a missing table: %v", err)
			}
			_, err = ask("SELEKT 'statement-secret'")
			want(t, err, fault.Final, "the server cannot read the query")
			for _, change := range []string{"INSERT INTO t VALUES (3, '')", "DELETE FROM t"} {
				_, err = ask(change)
				want(t, err, fault.Final, "the query would change the database")
			}
			if a, err := ask("SELECT count(*) FROM t"); err != nil || a.Value[0] != "2" {
				t.Errorf("after the changes: %v, %v", a, err)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for name, d := range databases(t) {
		t.Run(name, func(t *testing.T) {
			target, _ := newTarget(t, d.options)
			is := func(version string, dirty, found bool) {
				t.Helper()
				v, d, f, err := target.Version(t.Context(), "", "the table")
				if v != version || d != dirty || f != found || err != nil {
					t.Errorf("got %q, %v, %v, %v", v, d, f, err)
				}
			}
			if name != "sqlite" {
				is("", false, false)
			}
			table := target.Quote("the table")
			d.exec(t, "CREATE TABLE "+table+" (version bigint, dirty boolean)")
			is("", false, false)
			d.exec(t, "INSERT INTO "+table+" VALUES (20260102030405, true)")
			is("20260102030405", true, true)
			d.exec(t, "UPDATE "+table+" SET dirty = false")
			is("20260102030405", false, true)
		})
	}
}

func TestQuote(t *testing.T) {
	for driver, want := range map[Driver]string{Postgres: `"a""b"."c` + "`" + `d"`, MySQL: "`a\"b`.`c``d`", SQLite: `"a""b"."c` + "`" + `d"`} {
		if got := (&Target{Driver: driver}).Quote("", `a"b`, "c`d"); got != want {
			t.Errorf("%s: got %s, want %s", driver, got, want)
		}
	}
}

func TestSQLite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "app.db")
	target, _ := newTarget(t, Options{URL: "sqlite://" + path})
	_, err := target.First(t.Context(), "")
	want(t, err, fault.Failed, "there is no file "+path+" yet")
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("a wait has made %v", entries)
	}
	execSQLite(t, path, "CREATE TABLE t (a)")
	before, _ := os.ReadDir(dir)
	if _, err := target.First(t.Context(), "SELECT a FROM t"); err != nil {
		t.Error(err)
	}
	if after, _ := os.ReadDir(dir); len(after) < len(before) {
		t.Errorf("a wait has removed files: %v, then %v", before, after)
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = target.First(t.Context(), "SELECT 1 FROM sqlite_master")
	want(t, err, fault.Final, "file is not a database")

	nowhere, _ := newTarget(t, Options{URL: "sqlite://" + dir + "/nosuch/app.db"})
	db, err := nowhere.SQLite(SQLiteCreate, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var conn *sql.Conn
	if conn, err = db.Conn(t.Context()); err == nil {
		err = conn.PingContext(t.Context())
		conn.Close()
	}
	want(t, nowhere.Explain(err), fault.Failed, "unable to open database file")
}
