//go:build integration

package migrate

import (
	"strings"
	"testing"

	"github.com/initbox/initbox/tasks"
)

// DDL that the server refuses in its middle says that a part of it was done, and
// goes on with the statement corrected. One that it refuses as a whole does not.
func TestMySQLRefusedHalfway(t *testing.T) {
	s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int);\nCREATE TABLE parent (x int PRIMARY KEY);\nCREATE TABLE child (x int, FOREIGN KEY (x) REFERENCES parent (x));")
	s.run().did(t, 1)
	s.write("2_drop.up.sql", "DROP TABLE parent")
	r := s.run()
	r.wants(t, tasks.Failed, "error 1451")
	if text := r.err.Error() + tasks.NextOf(r.err); strings.Contains(text, "a part of") {
		t.Errorf("nothing was done: %s", text)
	}
	s.write("2_drop.up.sql", "DROP TABLE a, parent")
	s.run().wants(t, tasks.Failed, "2_drop.up.sql, line 1 (statement 1)", "a part of the statement was done before (error 1451", "correct the statement", "--resolve-dirty")
	s.wantSQL("SHOW TABLES LIKE 'a'", "")
	s.write("2_drop.up.sql", "DROP TABLE child, parent")
	s.run().did(t, 1)
	s.clean("2")
	s.wantSQL("SHOW TABLES", "schema_migrations,schema_migrations_history,schema_migrations_progress")
}
