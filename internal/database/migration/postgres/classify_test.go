package postgres

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/sqlsplit"
)

func TestClassify(t *testing.T) {
	for sql, want := range map[string]kind{
		"SELECT 1":                                    plain,
		"create table t (vacuum int)":                 plain,
		"CREATE INDEX i ON t (x)":                     plain,
		"CREATE INDEX concurrent ON t (concurrently)": plain,
		"REFRESH MATERIALIZED VIEW CONCURRENTLY v":    plain,
		"ALTER TYPE e ADD VALUE 'x'":                  plain,
		"ROLLBACK TO SAVEPOINT s":                     plain,
		"CLUSTER t USING i":                           plain,
		"REINDEX TABLE t":                             plain,
		"REINDEX TABLE schema.t":                      plain,
		"/* CREATE INDEX CONCURRENTLY */ INSERT INTO t VALUES ('COMMIT')":  plain,
		"CREATE /* x */ INDEX -- y\n CONCURRENTLY i ON t (x)":              alone,
		"create unique index concurrently if not exists i on t (x)":        alone,
		"DROP INDEX CONCURRENTLY i":                                        alone,
		"REINDEX (VERBOSE, CONCURRENTLY) INDEX i":                          alone,
		"REINDEX INDEX CONCURRENTLY i":                                     alone,
		"REINDEX DATABASE d":                                               alone,
		"VACUUM (ANALYZE) t":                                               alone,
		"CLUSTER":                                                          alone,
		"ALTER SYSTEM SET x = 1":                                           alone,
		"CREATE DATABASE d":                                                alone,
		"ALTER DATABASE d SET TABLESPACE t":                                alone,
		"ALTER TABLE IF EXISTS ONLY s.t DETACH PARTITION s.p CONCURRENTLY": alone,
		"ALTER SUBSCRIPTION s REFRESH PUBLICATION":                         alone,
		"COMMIT PREPARED 'x'":                                              alone,
		"BEGIN ISOLATION LEVEL SERIALIZABLE":                               begins,
		"Start Transaction":                                                begins,
		"COMMIT WORK":                                                      ends,
		"END":                                                              ends,
		"ROLLBACK":                                                         undoes,
		"ABORT":                                                            undoes,
		"PREPARE TRANSACTION 'x'":                                          undoes,
		"DO $$ BEGIN COMMIT; END $$":                                       opaque,
		"CALL p()":                                                         opaque,
		"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END": plain,
		"EXPLAIN ANALYZE SELECT 1":                      plain,
		"ALTER TABLE t ADD COLUMN \"concurrently\" int": plain,
		"PREPARE q AS SELECT 1":                         plain,
		"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE":  plain,
		"\"vacuum\"": plain,
		"CREATE RULE r AS ON INSERT TO t DO ALSO (DELETE FROM u; DELETE FROM v)": plain,
	} {
		if got := classify(sql); got != want {
			t.Errorf("%s: kind %d, want %d", sql, got, want)
		}
	}
}

func TestUnits(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1; SELECT 2; DO $$ $$":                        "0-3",
		"-- a comment":                                        "0-0",
		"SELECT 1; VACUUM; SELECT 2; SELECT 3":                "0-1 1-2alone 2-3 3-4",
		"BEGIN; SELECT 1; COMMIT":                             "0-3explicit",
		"SELECT 1; BEGIN; SELECT 1; ROLLBACK; SELECT 2":       "0-1 1-4explicit,undone 4-5",
		"-- initbox:no-transaction\nSELECT 1; CALL p()":       "0-1single 1-2single",
		"-- initbox:no-transaction \r\nSELECT 1":              "0-1single",
		"-- initbox:no-transaction\n-- a comment":             "0-0",
		"-- a\n-- initbox:no-transaction\nSELECT 1; SELECT 2": "0-2",
		"BEGIN; COMMIT; CALL p()":                             "0-2explicit 2-3",
	} {
		statements, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		var got []string
		for _, u := range units(&migration.Step{Text: text, Statements: statements}) {
			var flags []string
			for name, is := range map[string]bool{"single": u.single, "alone": u.alone, "undone": u.undone} {
				if is {
					flags = append(flags, name)
				}
			}
			if u.explicit {
				flags = append([]string{"explicit"}, flags...)
			}
			got = append(got, fmt.Sprintf("%d-%d%s", u.from, u.to, strings.Join(flags, ",")))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"SELECT 1;\nCOMMIT":            "line 2: this ends a transaction that the file has not begun",
		"BEGIN;\nSELECT 1":             "line 1: the transaction that begins here is not committed",
		"BEGIN;\nVACUUM;COMMIT":        "line 2: PostgreSQL refuses this statement inside the transaction that was begun in line 1",
		"BEGIN; COMMIT\nAND CHAIN":     "line 1: AND CHAIN is not supported",
		"\nDISCARD ALL":                "line 2: DISCARD ALL would give up the lock",
		"SELECT 'x":                    "line 1: ",
		"SELECT 1;\nCOPY t FROM STDIN": "line 2: COPY FROM STDIN",
	} {
		_, err := Parse(text)
		if s := (*sqlsplit.SyntaxError)(nil); !errors.As(err, &s) || !strings.Contains(err.Error(), strings.Split(want, "\n")[0]) {
			t.Errorf("%q: got %v, want %s", text, err, want)
		}
	}
}

func TestParseIndex(t *testing.T) {
	for sql, want := range map[string]index{
		"CREATE INDEX CONCURRENTLY i ON t (x)":                                      {"create", "i", "t"},
		"create unique index concurrently if not exists \"I\" on only s.\"T\"(x)":   {"create", `"I"`, `s."T"`},
		"CREATE INDEX CONCURRENTLY ON s.t USING gin (x) WHERE (concurrently IS ON)": {"create", "", "s.t"},
		"DROP INDEX CONCURRENTLY IF EXISTS s.i CASCADE":                             {"drop", "s.i", ""},
		"REINDEX INDEX CONCURRENTLY i":                                              {"reindex", "", ""},
		"REINDEX (CONCURRENTLY) INDEX i":                                            {"reindex", "", ""},
		"VACUUM t":                                                                  {},
		"ALTER TABLE t DETACH PARTITION p CONCURRENTLY":                             {},
		"REFRESH MATERIALIZED VIEW CONCURRENTLY v":                                  {},
		"CREATE INDEX CONCURRENTLY":                                                 {"create", "", ""},
	} {
		got, ok := parseIndex(sql)
		if got != want || ok != (want != index{}) {
			t.Errorf("%s: got %+v %t, want %+v", sql, got, ok, want)
		}
	}
}

// Nothing that a file holds makes the classifier fail, and its units are the
// statements, all of them, in order.
func FuzzUnits(f *testing.F) {
	for _, text := range []string{
		"SELECT 1", "BEGIN; SELECT $$;$$; COMMIT; VACUUM", "-- initbox:no-transaction\nCALL p(); SELECT 1",
		"CREATE INDEX CONCURRENTLY \"a;b\" ON t (x); REINDEX (CONCURRENTLY) TABLE t", "BEGIN; ROLLBACK; START TRANSACTION; END",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		statements, err := Parse(text)
		if err != nil {
			return
		}
		s := &migration.Step{Text: text, Statements: statements}
		all := units(s)
		next := 0
		for _, u := range all {
			if u.from != next || u.to <= u.from && len(statements) > 0 {
				t.Fatalf("%q: %+v", text, all)
			}
			next = u.to
			for _, st := range statements[u.from:u.to] {
				parseIndex(st.SQL)
				if classify(st.SQL) == alone && u.to-u.from > 1 {
					t.Errorf("%q: %q is not alone", text, st.SQL)
				}
			}
		}
		if next != len(statements) {
			t.Errorf("%q: %d of %d statements", text, next, len(statements))
		}
	})
}
