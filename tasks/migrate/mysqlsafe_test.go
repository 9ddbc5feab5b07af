//go:build integration

package migrate

import (
	"testing"

	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/tasks"
)

// A file that wants no UPDATE without a key is recorded all the same, with whatever
// it ends, and where it fails.
func TestMySQLSafeUpdates(t *testing.T) {
	for name, last := range map[string]string{"DDL": "CREATE TABLE b (x int)", "plain": "UPDATE a SET x = 2 WHERE x = 1", "insert": "INSERT INTO a VALUES (2)", "itself": "SET sql_safe_updates = 1"} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int PRIMARY KEY);\nINSERT INTO a VALUES (1)",
				"2_b.up.sql", "SET sql_safe_updates = 1;\n"+last, "3_c.up.sql", "SET sql_safe_updates = 1;\nnonsense", "3_c.down.sql", "SET sql_safe_updates = 1;\nDROP TABLE c")
			s.run().wants(t, tasks.Failed, "3_c.up.sql, line 2 (statement 2)")
			s.write("3_c.up.sql", "SET sql_safe_updates = 1;\nCREATE TABLE c (x int)")
			s.run().did(t, 1)
			s.clean("3")
			s.run(func(t *Task) { t.DownTo, t.AllowDown = "2", true }).did(t, 1)
			s.clean("2")
		})
	}
}

// Where the server wants that of everybody, the statements of files see it too.
func TestMySQLSafeUpdatesOfServer(t *testing.T) {
	my := testdb.StartMySQL(t, &testdb.MySQLSetup{Args: []string{"--sql-safe-updates=1"}})
	s := newMySiteOn(t, my, "1_a.up.sql", "CREATE TABLE a (x int PRIMARY KEY);\nINSERT INTO a VALUES (@@sql_safe_updates)", "1_a.down.sql", "DROP TABLE a", "2_b.up.sql", "UPDATE a SET x = 2")
	s.run().wants(t, tasks.Failed, "2_b.up.sql, line 1 (statement 1)", "error 1175")
	s.wantSQL("SELECT x FROM a", "1")
	s.write("2_b.up.sql", "UPDATE a SET x = 2 WHERE x = 1", "2_b.down.sql", "DROP TABLE IF EXISTS b")
	s.run().did(t, 1)
	s.clean("2")
	s.run(func(t *Task) { t.DownTo, t.AllowDown = "0", true }).did(t, 2)
}
