//go:build integration

package database_test

import (
	"context"
	"net/url"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/mysql"
	"github.com/initbox/initbox/internal/database/postgres"
	"github.com/initbox/initbox/internal/database/sqlite"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

// A sample is a database of one kind, with a way to change it.
type sample struct {
	options database.Options
	exec    func(*testing.T, string)
}

func samples(t *testing.T) map[string]sample {
	t.Helper()
	p, m, path := servers.Postgres(t), servers.MySQL(t), filepath.Join(t.TempDir(), "a b#?%.db")
	inPostgres, inMySQL := p.NewDatabase(t), m.NewDatabase(t)
	return map[string]sample{
		"postgres": {database.Options{URL: p.URL(inPostgres)}, func(t *testing.T, s string) { p.SQL(t, inPostgres, s) }},
		"mysql":    {database.Options{URL: m.URL(inMySQL)}, func(t *testing.T, s string) { m.SQL(t, inMySQL, s) }},
		"sqlite":   {database.Options{Driver: "sqlite", Name: path}, func(t *testing.T, s string) { execSQLite(t, path, s) }},
	}
}

func execSQLite(t *testing.T, path, statement string) {
	t.Helper()
	target, _ := kit.Target(t, database.Options{Driver: "sqlite", Name: path})
	db, err := target.Client.(*sqlite.Client).Open("rwc", url.Values{"_pragma": {"journal_mode(wal)"}})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatal(err)
	}
}

func TestFirst(t *testing.T) {
	for name, d := range samples(t) {
		t.Run(name, func(t *testing.T) {
			target, _ := kit.Target(t, d.options)
			ask := func(query string) (database.Answer, error) {
				ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
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
			if v, _ := target.Verdict(err); v.Is != database.NoSuchTable || fault.Permanent(err) {
				t.Errorf("of a missing table: %v", err)
			}
			_, err = ask("SELEKT 'statement-secret'")
			testdialect.Want(t, err, fault.Final, "the server cannot read the query")
			for _, change := range []string{"INSERT INTO t VALUES (3, '')", "DELETE FROM t"} {
				_, err = ask(change)
				testdialect.Want(t, err, fault.Final, "the query would change the database")
			}
			if a, err := ask("SELECT count(*) FROM t"); err != nil || a.Value[0] != "2" {
				t.Errorf("after the changes: %v, %v", a, err)
			}
		})
	}
}

func TestVersion(t *testing.T) {
	for name, d := range samples(t) {
		t.Run(name, func(t *testing.T) {
			target, _ := kit.Target(t, d.options)
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
			table := target.Parts.Dialect.QuoteName("the table")
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
	for dialect, want := range map[*database.Dialect]string{postgres.Dialect: `"a""b"."c` + "`" + `d"`, mysql.Dialect: "`a\"b`.`c``d`", sqlite.Dialect: `"a""b"."c` + "`" + `d"`} {
		if got := dialect.QuoteName("", `a"b`, "c`d"); got != want {
			t.Errorf("%s: got %s, want %s", dialect.Name, got, want)
		}
	}
}
