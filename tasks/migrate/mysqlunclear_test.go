//go:build integration

package migrate

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"testing"

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
				r.wants(t, tasks.Final, "2_a.up.sql, line 3 (statement 3): a run was interrupted while this ran, and nobody can tell whether it was done")
				s.run(func(t *Task) { t.Resolve = "2=not-applied" })
				return
			}
			r.did(t, 1)
			s.clean("2")
			s.wantSQL("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND LENGTH(TABLE_NAME) = 1 ORDER BY 1", c.want)
		})
	}
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
