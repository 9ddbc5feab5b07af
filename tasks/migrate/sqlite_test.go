package migrate

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// A filesite is a site on a SQLite file.
type filesite struct {
	site
	path string
}

func newFileSite(t *testing.T, files ...string) *filesite {
	t.Helper()
	dir := t.TempDir()
	s := &filesite{site: site{t: t, dir: filepath.Join(dir, "source")}, path: filepath.Join(dir, "app.db")}
	if err := os.Mkdir(s.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s.url = "sqlite://" + s.path
	s.write(files...)
	return s
}

// open opens the file as an application does.
func (s *filesite) open() *sql.DB {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+s.path+"?_pragma=busy_timeout(20000)")
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { db.Close() })
	return db
}

func (s *filesite) exec(sql string) {
	s.t.Helper()
	db := s.open()
	defer db.Close()
	if _, err := db.Exec(sql); err != nil {
		s.t.Fatal(err)
	}
}

// wantSQL compares the rows of a query, columns separated by blanks and rows by commas.
func (s *filesite) wantSQL(query, want string) {
	s.t.Helper()
	db := s.open()
	defer db.Close()
	rows, err := db.Query(query)
	if err != nil {
		s.t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		columns, _ := rows.Columns()
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			s.t.Fatal(err)
		}
		all = append(all, strings.Trim(fmt.Sprint(values), "[]"))
	}
	if got := strings.Join(all, ","); got != want || rows.Err() != nil {
		s.t.Errorf("%s\ngot  %s, %v\nwant %s", query, got, rows.Err(), want)
	}
}

// migrated checks that each of so many migrations was applied, once.
func (s *filesite) migrated(migrations int) {
	s.t.Helper()
	s.wantSQL("SELECT version, CAST(dirty AS int) FROM schema_migrations", fmt.Sprintf("%d 0", migrations))
	s.wantSQL("SELECT count(*), count(DISTINCT version), max(version) FROM ran", fmt.Sprintf("%d %[1]d %[1]d", migrations))
	s.wantSQL("SELECT count(*) FROM schema_migrations_history WHERE kind = 'applied'", fmt.Sprint(migrations))
	s.wantSQL("SELECT count(*) FROM sqlite_schema WHERE name GLOB 't[0-9]*'", fmt.Sprint(migrations))
	s.wantSQL("PRAGMA integrity_check", "ok")
}

func TestSQLiteUpAndAgain(t *testing.T) {
	s := newFileSite(t)
	s.counting(1, 6)
	s.write("3_step.up.sql", "CREATE TABLE t3 (x int);\nCREATE TRIGGER r AFTER INSERT ON t3 BEGIN\n  INSERT INTO t3 VALUES (CASE WHEN NEW.x THEN 8 END);\n  SELECT ';';\nEND;\nINSERT INTO t3 VALUES (7);\nINSERT INTO ran VALUES (3)")
	s.dryRun().did(t, 6)
	if _, err := os.Stat(s.path); err == nil {
		t.Error("a dry-run has made the file")
	}
	s.run(func(t *Task) { t.To = "4" }).did(t, 4)
	s.run().did(t, 2)
	s.run().did(t, 0)
	s.migrated(6)
	s.wantSQL("SELECT x FROM t3", "7,8")
	s.wantSQL("SELECT kind, version, name, length(sha256), applied_at > datetime('now', '-1 minute'), pod <> '' FROM schema_migrations_history WHERE version = 2", "applied 2 2_step.up.sql 64 1 1")
	s.run(func(t *Task) { t.DownTo, t.AllowDown = "0", true }).did(t, 6)
	s.wantSQL("SELECT count(*) FROM schema_migrations", "0")
	s.run().did(t, 6)
	s.migrated(6)
}

func TestSQLiteFailureRollsBack(t *testing.T) {
	s := newFileSite(t, "1_a.up.sql", "CREATE TABLE a (x int);\n\nINSERT INTO a\nVALEUS ('s3cret')", "1_a.down.sql", "DROP TABLE a")
	r := s.run()
	r.wants(t, tasks.Failed, "1_a.up.sql, line 3 (statement 2)", "syntax error", "code 1")
	if strings.Contains(r.err.Error()+r.log, "s3cret") {
		t.Errorf("the error has the statement in it: %v", r.err)
	}
	s.wantSQL("SELECT count(*) FROM sqlite_schema WHERE name = 'a'", "0")
	s.wantSQL("SELECT count(*) FROM schema_migrations", "0")
}

func TestSQLiteRefuses(t *testing.T) {
	for file, want := range map[string]string{
		"SELECT 1;\nVACUUM;":                        "line 2: SQLite refuses this in the transaction that this file is: write -- initbox:no-transaction",
		"SELECT 1;\nPRAGMA journal_mode = wal":      "line 2: SQLite refuses this",
		"SELECT 1;\nBEGIN;\nSELECT 2;\nCOMMIT":      "line 2: this file is one transaction already",
		"SELECT 1;\nPRAGMA foreign_keys=1;SELECT 1": "line 2: PRAGMA foreign_keys does nothing",
		"-- initbox:no-transaction\nBEGIN;\nSELECT": "line 2: the transaction that begins here is not committed",
		"-- initbox:no-transaction\nBEGIN;\nVACUUM": "line 3: SQLite refuses this in the transaction that was begun in line 2",
		"-- initbox:no-transaction\nROLLBACK;":      "line 2: this ends a transaction",
		".read x":                                   "line 1: a command of the sqlite3 client",
	} {
		s := newFileSite(t, "1_a.up.sql", file)
		s.run().wants(t, tasks.Usage, "1_a.up.sql: "+want)
	}
	s := newFileSite(t, "1_a.up.sql", "SELECT 1")
	s.url = "sqlite:///nowhere/at/all/app.db"
	s.run().wants(t, tasks.Usage, "there is no folder /nowhere/at/all for the database")
}

func bounded(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// A table is rebuilt as SQLite describes it.
func TestSQLiteForeignKeys(t *testing.T) {
	const rebuild = `PRAGMA foreign_keys=OFF;
BEGIN;
CREATE TABLE p2 (id integer PRIMARY KEY, name text NOT NULL);
INSERT INTO p2 SELECT id, name FROM p %s;
DROP TABLE p;
ALTER TABLE p2 RENAME TO p;
COMMIT;
PRAGMA foreign_keys=ON;
`
	s := newFileSite(t,
		"1_a.up.sql", "CREATE TABLE p (id integer PRIMARY KEY, name text);\nCREATE TABLE c (p int REFERENCES p (id) ON DELETE CASCADE);\n"+
			"INSERT INTO p VALUES (1, 'a'), (2, 'b');\nINSERT INTO c VALUES (1), (2), (9);",
		"2_rebuild.up.sql", fmt.Sprintf(rebuild, ""))
	s.run().did(t, 2)
	s.wantSQL("SELECT p FROM c", "1,2,9")
	s.write("3_loses.up.sql", fmt.Sprintf(rebuild, "WHERE id > 1"))
	s.run().wants(t, tasks.Failed, "3_loses.up.sql, at its end: rows of c that name p refer to rows that do not exist: 2, before this file 1 (foreign_key_check)")
	s.wantSQL("SELECT id FROM p", "1,2")
	s.write("3_loses.up.sql", "PRAGMA foreign_keys=ON;\nDELETE FROM p WHERE id = 1;", "4_off.up.sql", "DELETE FROM p WHERE id = 2")
	s.run().did(t, 2)
	s.wantSQL("SELECT p FROM c", "2,9")
}

func TestSQLiteNoTransaction(t *testing.T) {
	s := newFileSite(t, "1_a.up.sql", "-- initbox:no-transaction\nPRAGMA journal_mode = wal;\nCREATE TABLE a (x int);\nVACUUM;\n"+
		"BEGIN;\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nEND;\nCREATE TEMP TABLE x (y int);\nINSERT INTO a VALEUS (3);\n")
	s.run().wants(t, tasks.Failed, "1_a.up.sql, line 10 (statement 9)")
	s.wantSQL("SELECT version, CAST(dirty AS int) FROM schema_migrations", "1 1")
	s.wantSQL("PRAGMA journal_mode", "wal")
	s.write("1_a.up.sql", "-- initbox:no-transaction\nPRAGMA journal_mode = wal;\nCREATE TABLE a (x int);\nVACUUM;\n"+
		"BEGIN;\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nEND;\nCREATE TEMP TABLE x (y int);\nINSERT INTO a VALUES (3);\n")
	s.run().did(t, 1)
	s.run().did(t, 0)
	s.wantSQL("SELECT x FROM a", "1,2,3")
	s.wantSQL("SELECT count(*) FROM schema_migrations_progress", "0")
}

func TestSQLiteRace(t *testing.T) {
	processes, migrations := scale(50, 12, 4), scale(50, 30, 10)
	for mode, killed := range map[string]int{"delete": 0, "wal": (processes + 4) / 5} {
		t.Run(mode, func(t *testing.T) {
			s := newFileSite(t)
			s.counting(1, migrations)
			s.exec("PRAGMA journal_mode = " + mode)
			race(t, processes, killed, 500*time.Millisecond, s.start)
			s.migrated(migrations)
			s.run().did(t, 0)
		})
	}
}

func TestSQLiteKilledAtAnyInstant(t *testing.T) {
	const migrations = 20
	s := newFileSite(t)
	s.counting(1, migrations)
	began := time.Now()
	s.start().wait(t)
	whole := time.Since(began)
	killAtAnyInstant(t, scale(200, 25, 4), whole, func() (func(...string) *process, func()) {
		s := newFileSite(t)
		s.counting(1, migrations)
		s.write("4_step.up.sql", "-- initbox:no-transaction\nPRAGMA journal_mode = wal;\nCREATE TABLE t4 (x int);\nINSERT INTO ran VALUES (4);\nVACUUM;\nALTER TABLE t4 ADD COLUMN y int")
		return s.start, func() { s.migrated(migrations) }
	})
}

// The task waits for other writers and readers until its deadline.
func TestSQLiteBusy(t *testing.T) {
	s := newFileSite(t, "1_a.up.sql", "CREATE TABLE a (x int)")
	s.run().did(t, 1)
	s.write("2_b.up.sql", "CREATE TABLE b (x int)")
	for name, hold := range map[string]string{"writer": "BEGIN IMMEDIATE; INSERT INTO a VALUES (1)", "reader": "BEGIN; SELECT * FROM a"} {
		t.Run(name, func(t *testing.T) {
			conn, err := s.open().Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if _, err := conn.ExecContext(t.Context(), hold); err != nil {
				t.Fatal(err)
			}
			endsWithinASecond(t, func() (late time.Duration) {
				explained("database is locked", func(timeout time.Duration) result {
					began := time.Now()
					r := s.runWith(bounded(t, timeout), new(testlog.Buffer), false)
					late = time.Since(began) - timeout
					return r
				}).wants(t, tasks.Failed, "database is locked")
				return late
			})
			if _, err := conn.ExecContext(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
		})
	}
	s.run().did(t, 1)
}

// A process that gets SIGTERM ends within a second and leaves nothing.
func TestSQLiteSIGTERM(t *testing.T) {
	const long = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) INSERT INTO a SELECT i FROM n WHERE i < 0"
	endsWithinASecond(t, func() (took time.Duration) {
		const words = "1_a.up.sql, line 3 (statement 3): interrupted"
		var s *filesite
		text := ""
		for pause := range testtime.Deadlines { // nothing tells when the statement runs
			s = newFileSite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nCREATE TABLE b (x int);\n"+long)
			p := s.start()
			eventually(t, "it runs", func() bool { return strings.Contains(p.log.String(), "begin to apply") })
			time.Sleep(pause)
			took = p.stop(t)
			if text = p.log.String(); strings.Contains(text, words) {
				break
			}
		}
		if !strings.Contains(text, words) {
			t.Errorf("no word of the interruption:\n%s", text)
		}
		s.wantSQL("SELECT count(*) FROM sqlite_schema WHERE name IN ('a', 'b')", "0")
		return took
	})
}

// Seeds belong to the newest migration: where the database is ahead of the files
// or of --to they do not run, and the log says so.
func TestSeedsOfDatabaseAhead(t *testing.T) {
	s := newFileSite(t)
	s.counting(1, 2)
	s.run().did(t, 2)
	dir := t.TempDir()
	write(t, dir, "a.sql", "INSERT INTO ran VALUES (100)", "b.sql", "INSERT INTO ran VALUES (200)")
	seeds := func(t *Task) { t.Seeds = dir }
	r := s.run(seeds, func(t *Task) { t.To = "1" })
	r.did(t, 0)
	r.warns(t, "not run because the database is ahead: 2 seeds for version 1")
	if !strings.Contains(r.summary, "2 seeds for version 1") {
		t.Errorf("the summary is %q", r.summary)
	}
	s.run(seeds).did(t, 2)
	if r := s.run(seeds, func(t *Task) { t.To = "1" }); strings.Contains(r.log, "not run because") {
		t.Error(r.log)
	}
}
