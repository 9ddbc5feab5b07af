//go:build integration

package migrate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/initbox/initbox/tasks"
)

// A file of one statement that does not commit is one transaction with what records
// it: a kill leaves nothing of either, not even a version that is dirty.
func TestMySQLKilledInOneTransaction(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int PRIMARY KEY); INSERT INTO a VALUES (1)")
	s.run().did(t, 1)
	s.write("2_b.up.sql", "INSERT INTO a SELECT 2 WHERE SLEEP(60) = 0")
	p := s.start()
	eventually(t, "the statement runs", func() bool { return s.running("SLEEP(60)") == "1" })
	s.wantSQL("SELECT version, dirty FROM schema_migrations", "1 0")
	p.kill()
	s.killAll() // the server has not noticed yet
	eventually(t, "its session ended", func() bool { return s.running("SLEEP(60)") == "0" })
	s.clean("1")
	s.wantSQL("SELECT version FROM schema_migrations_history", "1")
	s.write("2_b.up.sql", "INSERT INTO a VALUES (2)")
	s.run().did(t, 1)
	s.clean("2")
	s.wantSQL("SELECT x FROM a", "1,2")
}

// What fails at its first statement is recorded as begun all the same, so that
// nobody takes the version for clean.
func TestMySQLRefusedAtFirst(t *testing.T) {
	for name, statement := range map[string]string{"plain": "UPDATE missing SET x = 1", "insert": "INSERT INTO missing VALUES (1)", "DDL": "ALTER TABLE missing ADD y int"} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int)", "2_b.up.sql", statement)
			s.run().wants(t, tasks.Failed, "2_b.up.sql, line 1 (statement 1)", "error 1146")
			s.wantSQL("SELECT version, dirty FROM schema_migrations", "2 1")
			s.wantSQL("SELECT statement, name FROM schema_migrations_progress", "0 2_b.up.sql")
			s.write("2_b.up.sql", "INSERT INTO a VALUES (1)")
			s.run().did(t, 1)
			s.clean("2")
			s.wantSQL("SELECT x FROM a", "1")
		})
	}
}

// When what records a file cannot be written at once, since somebody has locked
// that, the file is tried again, and nothing of it is done twice.
func TestMySQLRecordIsLocked(t *testing.T) {
	for name, file := range map[string]string{
		"plain":    "INSERT INTO a SELECT 1",
		"insert":   "INSERT INTO a VALUES (1)",
		"inserts":  "INSERT INTO a VALUES (1);\nINSERT INTO a SELECT 2;\nINSERT INTO a VALUES (3)",
		"DDL":      "CREATE TABLE b (x int)",
		"DDL last": "INSERT INTO a VALUES (1);\nCREATE TABLE b (x int)",
	} {
		for _, table := range []string{"schema_migrations", "schema_migrations_history"} {
			t.Run(name+" "+table, func(t *testing.T) {
				s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int)")
				s.run().did(t, 1)
				s.write("2_b.up.sql", file)
				s.runPast("SELECT * FROM "+table+" FOR UPDATE").did(t, 1)
				s.clean("2")
				s.wantSQL("SELECT COUNT(*) FROM a", fmt.Sprint(strings.Count(file, "INSERT")))
			})
		}
	}
}
