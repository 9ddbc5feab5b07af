//go:build integration

package migrate

import (
	"testing"

	"github.com/initbox/initbox/tasks"
)

// What SET STATEMENT has behind its FOR is done once, as it is without that.
func TestMySQLSetStatement(t *testing.T) {
	for name, c := range map[string]struct{ statement, want string }{
		"insert":   {"INSERT INTO a VALUES (2)", "1,2"},
		"update":   {"UPDATE a SET x = x + 1", "2"},
		"DDL":      {"ALTER TABLE a RENAME TO b, ADD y int DEFAULT 7; SET STATEMENT max_statement_time=5 FOR RENAME TABLE b TO a; ALTER TABLE a DROP y", "1"},
		"call":     {"CALL p()", "2"},
		"execute":  {"EXECUTE s", "2"},
		"variable": {"SET @a = @a + 1; UPDATE a SET x = x + 1", "2"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nINSERT INTO a VALUES (1);\nCREATE PROCEDURE p() UPDATE a SET x = x + 1")
			s.run().did(t, 1)
			file := "PREPARE s FROM 'UPDATE a SET x = x + 1';\nSET STATEMENT max_statement_time=5, sql_mode='' FOR " + c.statement
			s.write("2_b.up.sql", file+";\nINSERT INTO missing VALUES (1)")
			s.run().wants(t, tasks.Failed, "error 1146")
			s.wantSQL("SELECT x FROM a ORDER BY x", c.want)
			s.write("2_b.up.sql", file+";\nCREATE TABLE c (x int)")
			s.run().did(t, 1)
			s.clean("2")
			s.wantSQL("SELECT x FROM a ORDER BY x", c.want)
		})
	}
}
