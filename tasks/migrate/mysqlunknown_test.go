//go:build integration

package migrate

import (
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/database/migration/mysql"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/tasks"
)

// A process is killed while a statement is under way of which the first write,
// that it has begun, is committed. A rerun must find out what became of it.
func TestMySQLInterrupted(t *testing.T) {
	for name, c := range map[string]struct {
		statement string
		refused   bool   // nobody can tell
		want      string // tables in the end
	}{
		"DDL":          {statement: "ALTER TABLE a RENAME TO c", want: "b,c"},
		"moves":        {statement: "RENAME TABLE a TO c, b TO d", want: "c,d"},
		"swap":         {statement: "RENAME TABLE a TO x, b TO a, x TO b", refused: true},
		"execute":      {statement: "EXECUTE s", want: "b,c"},
		"compound":     {statement: "BEGIN NOT ATOMIC COMMIT; ALTER TABLE a RENAME TO c; END", refused: true},
		"nothing left": {statement: "INSERT INTO b SELECT COUNT(*) FROM a FOR UPDATE", want: "a,b"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int PRIMARY KEY); CREATE TABLE b (x int PRIMARY KEY); INSERT INTO a VALUES (1)")
			s.run().did(t, 1)
			s.write("2_a.up.sql", "SET @s = 'ALTER TABLE a RENAME TO c';\nPREPARE s FROM @s;\n"+c.statement)
			release := s.hold("SELECT * FROM a FOR UPDATE")
			p := s.start("--statement-lock-timeout=0")
			waiting := "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND COMMAND = 'Query' AND STATE RLIKE 'metadata lock|Sending data' AND INFO NOT LIKE '%PROCESSLIST%'"
			eventually(t, "the statement waits", func() bool { return s.sql(waiting) == "1" })
			p.kill()
			s.killAll() // the server has not noticed yet
			release()
			r := s.run()
			if c.refused {
				r.wants(t, tasks.Final, "2_a.up.sql, line 3 (statement 3): a run was interrupted while this ran, and nobody can tell whether it was done",
					"look in the database for what it does", "--resolve-dirty 2=applied", "--resolve-dirty 2=not-applied")
				s.run(func(t *Task) { t.Resolve = "2=not-applied" })
				return
			}
			r.did(t, 1)
			s.clean("2")
			s.wantSQL("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND LENGTH(TABLE_NAME) = 1 ORDER BY 1", c.want)
		})
	}
}

// begun leaves version 2 as a run does that was killed in one of its statements.
func (s *mysite) begun(file, fingerprint string, statement int) {
	s.t.Helper()
	statements, err := mysql.Parse(file)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write("2_b.up.sql", file)
	s.sql("UPDATE schema_migrations SET version = 2, dirty = 1")
	s.sql("INSERT INTO schema_migrations_progress (statement, name, version, sha256, done, fingerprint, session, pod) VALUES (0, '2_b.up.sql', 2, '', FALSE, '', 7, 'pod')")
	for i, st := range statements[:statement] {
		s.sql(fmt.Sprintf("INSERT INTO schema_migrations_progress (statement, name, sha256, done, fingerprint, session, pod) VALUES (%d, '', '%s', %t, '%s', 0, '')",
			i+1, st.Hash(), i+1 < statement, fingerprint))
	}
}

// adviceOf returns the statement that an error says to run in the database.
func adviceOf(t *testing.T, r result, what string) string {
	t.Helper()
	found := regexp.MustCompile(what + "[^.]*`\\.`[^.]*").FindString(tasks.NextOf(r.err))
	if found == "" {
		t.Fatalf("no advice with %s: %v", what, tasks.NextOf(r.err))
	}
	return found
}

// What nobody can know is left to somebody who looks, and goes on when that is
// recorded in the words of the message.
func TestMySQLUnknown(t *testing.T) {
	for name, c := range map[string]struct {
		made, file, fingerprint string
		statement               int
		look                    string
	}{
		"recorded by an earlier version": {file: "INSERT INTO ran VALUES (1);\nALTER TABLE a ADD y int;\nINSERT INTO ran VALUES (2)", fingerprint: strings.Repeat("0", 64), statement: 2, look: "SHOW CREATE TABLE a"},
		"one of two is dropped":          {made: "CREATE TABLE y (x int)", file: "INSERT INTO ran VALUES (1);\nDROP TABLE x, y;\nINSERT INTO ran VALUES (2)", fingerprint: "2:0", statement: 2, look: "SHOW CREATE TABLE x, SHOW CREATE TABLE y"},
		"a call":                         {file: "INSERT INTO ran VALUES (1);\nCALL p();\nINSERT INTO ran VALUES (2)", statement: 2, look: "what it does"},
		"in a transaction of the file":   {file: "INSERT INTO ran VALUES (1);\nBEGIN;\nCALL p();\nCOMMIT;\nINSERT INTO ran VALUES (2)", statement: 2, look: "what it does"},
	} {
		for _, done := range []bool{true, false} {
			if done && strings.Contains(c.file, "BEGIN") {
				continue // its row is not that of all its statements
			}
			t.Run(fmt.Sprintf("%s, done: %v", name, done), func(t *testing.T) {
				s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nCREATE TABLE ran (n int);\nCREATE PROCEDURE p() SET @x = 1")
				s.run().did(t, 1)
				if c.made != "" {
					s.sql(c.made)
				}
				s.begun(c.file, c.fingerprint, c.statement)
				r := s.run()
				r.wants(t, tasks.Final, "2_b.up.sql, line 2 (statement 2): a run was interrupted while this ran", c.look, "run again", "--resolve-dirty 2=applied")
				if done {
					s.sql(adviceOf(t, r, "UPDATE"))
				} else {
					s.sql(adviceOf(t, r, "DELETE"))
					s.sql("DROP TABLE IF EXISTS y; CREATE TABLE x (x int); CREATE TABLE y (x int)")
				}
				s.run().did(t, 1)
				s.clean("2")
				s.wantSQL("SELECT n FROM ran ORDER BY n", "2")
			})
		}
	}
}

// A DROP of several is done when all are gone.
func TestMySQLAllDropped(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int)")
	s.run().did(t, 1)
	s.begun("DROP TABLE x, y;\nINSERT INTO a VALUES (1)", "2:0", 1)
	s.run().did(t, 1)
	s.clean("2")
	s.wantSQL("SELECT x FROM a", "1")
}

// A CALL that failed after a COMMIT of its own does not run again by itself. One
// that committed nothing does, when somebody has mended what was in its way.
func TestMySQLRefusedAfterCommit(t *testing.T) {
	for name, c := range map[string]struct {
		file      string
		committed bool
	}{
		"nothing":               {"CALL nothing()", false},
		"half":                  {"CALL half()", true},
		"nothing, in a BEGIN":   {"BEGIN;\nCALL nothing();\nCOMMIT", false},
		"half, in a BEGIN":      {"BEGIN;\nCALL half();\nCOMMIT", true},
		"compound":              {"BEGIN NOT ATOMIC INSERT INTO a VALUES (1); COMMIT; INSERT INTO missing VALUES (1); END", true},
		"later, after a commit": {"BEGIN;\nCALL commits();\nINSERT INTO missing VALUES (1);\nCOMMIT", true},
		"later, after DDL":      {"BEGIN;\nINSERT INTO a VALUES (1);\nPREPARE s FROM 'CREATE TABLE d (x int)';\nEXECUTE s;\nINSERT INTO missing VALUES (1);\nCOMMIT", true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nCREATE PROCEDURE nothing() BEGIN INSERT INTO a VALUES (1); INSERT INTO missing VALUES (1); END;\n"+
				"CREATE PROCEDURE half() BEGIN INSERT INTO a VALUES (1); COMMIT; INSERT INTO missing VALUES (1); END;\nCREATE PROCEDURE commits() BEGIN INSERT INTO a VALUES (1); COMMIT; END")
			s.run().did(t, 1)
			s.write("2_b.up.sql", c.file)
			s.run().wants(t, tasks.Failed, "error 1146")
			s.sql("CREATE TABLE missing (x int)")
			r := s.run()
			if c.committed {
				r.wants(t, tasks.Final, "2_b.up.sql, line 1 (statement 1)", "nobody can tell whether it was done, or it failed after a COMMIT of its own")
			} else {
				r.did(t, 1)
				s.clean("2")
			}
			s.wantSQL("SELECT COUNT(*) FROM a", "1")
		})
	}
}

// A function that a SET calls runs once, also if the run is killed after it.
func TestMySQLSetCallsOnce(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nCREATE TABLE b (x int);\nCREATE FUNCTION f() RETURNS int BEGIN INSERT INTO a VALUES (1); RETURN 1; END")
	s.run().did(t, 1)
	s.write("2_b.up.sql", "SET @id = f();\nINSERT INTO b SELECT @id WHERE SLEEP(60) = 0")
	p := s.start()
	eventually(t, "the statement runs", func() bool { return s.running("SLEEP(60)") == "1" })
	p.kill()
	s.killAll()
	eventually(t, "its session ended", func() bool { return s.running("SLEEP(60)") == "0" })
	s.run().wants(t, tasks.Final, "2_b.up.sql, line 2 (statement 2): it needs @id, which statement 1 (line 1)")
	s.write("2_b.up.sql", "SET @id = f();\nSET @id = 1;\nINSERT INTO b VALUES (@id)")
	s.run().did(t, 1)
	s.clean("2")
	s.wantSQL("SELECT COUNT(*) FROM a", "1")
	s.wantSQL("SELECT x FROM b", "1")
}

// hold runs a statement in a transaction that stays open until release is called.
func (s *mysite) hold(statement string) (release func()) {
	s.t.Helper()
	pool := s.open()
	tx, err := pool.Begin()
	if err == nil {
		_, err = tx.Exec(statement)
	}
	if err == nil {
		err = tx.QueryRow("SELECT CONNECTION_ID()").Scan(&s.holds)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return func() {
		if err := errors.Join(tx.Rollback(), pool.Close()); err != nil {
			s.t.Fatal(err)
		}
	}
}

// open opens the database as an application does.
func (s *mysite) open() *sql.DB {
	s.t.Helper()
	pool, err := sql.Open("mysql", testdb.Admin+":"+testdb.AdminPassword+"@tcp("+s.my.Addr()+")/"+s.db)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { pool.Close() })
	return pool
}

// killAll ends every session of the database but that of hold, and waits for it.
func (s *mysite) killAll() {
	s.t.Helper()
	others := fmt.Sprintf("FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND ID NOT IN (CONNECTION_ID(), %d)", s.holds)
	pool := s.open()
	defer pool.Close()
	for id := range strings.FieldsSeq(s.sql("SELECT ID " + others)) {
		_, _ = pool.Exec("KILL " + id) // it may have ended by itself
	}
	eventually(s.t, "they ended", func() bool { return s.sql("SELECT COUNT(*) "+others+" AND COMMAND <> 'Sleep'") == "0" })
}
