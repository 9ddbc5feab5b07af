//go:build integration

package migrate

import (
	"fmt"
	"testing"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/tasks"
)

// What a dump has around its rows: a transaction that no BEGIN begins.
const noAutocommit = "SET autocommit = 0;\nINSERT INTO a VALUES (1);\nCOMMIT;\nINSERT INTO a VALUES (2);\nCOMMIT;\nSET autocommit = 1;\nCOMMIT;\nINSERT INTO a VALUES (3);"

// The connection is lost at each command.
func TestMySQLCutWithoutAutocommit(t *testing.T) {
	run := func(at int64, before bool) int64 {
		s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int)", "2_b.up.sql", noAutocommit)
		commands := s.cut(at, before)
		s.clean("2")
		s.wantSQL("SELECT x FROM a ORDER BY x", "1,2,3")
		if t.Failed() {
			t.Fatalf("cut at command %d (before: %v)", at, before)
		}
		return commands
	}
	for at, all := int64(1), run(0, false); at <= all; at++ {
		run(at, false)
		run(at, true)
	}
}

// An earlier version recorded such a COMMIT or ROLLBACK as begun.
func TestMySQLCommitWasBegun(t *testing.T) {
	for _, end := range []string{"COMMIT", "ROLLBACK"} {
		t.Run(end, func(t *testing.T) {
			insert := migration.Statement{SQL: "INSERT INTO a VALUES (1)"}
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int)")
			s.run().did(t, 1)
			s.sql(insert.SQL)
			s.sql("UPDATE schema_migrations SET version = 2, dirty = 1")
			s.sql(fmt.Sprintf("INSERT INTO schema_migrations_progress (statement, name, version, sha256, done, fingerprint, session, pod) VALUES "+
				"(0, '2_b.up.sql', 2, '', FALSE, '', 7, 'pod'), (1, '', NULL, '%s', TRUE, '', 0, ''), (2, '', NULL, '%s', FALSE, '', 0, '')",
				insert.Hash(), migration.Statement{SQL: end}.Hash()))
			s.write("2_b.up.sql", insert.SQL+";\n"+end+";\nINSERT INTO a VALUES (2)")
			s.run().did(t, 1)
			s.clean("2")
			s.wantSQL("SELECT x FROM a ORDER BY x", "1,2")
		})
	}
}

// A ROLLBACK of nothing does not take back what is recorded.
func TestMySQLRollbackOfNothing(t *testing.T) {
	for name, first := range map[string]string{"first": "", "later": "INSERT INTO a VALUES (1);\n", "without autocommit": "SET autocommit = 0;\n"} {
		t.Run(name, func(t *testing.T) {
			s := newMySite(t, "1_a.up.sql", "CREATE TABLE a (x int)", "2_b.up.sql", first+"ROLLBACK;\nINSERT INTO a VALUES (2);\nnonsense")
			s.run().wants(t, tasks.Failed, "2_b.up.sql", "error 1064")
			s.write("2_b.up.sql", first+"ROLLBACK;\nINSERT INTO a VALUES (2);\nINSERT INTO a VALUES (3)")
			s.run().did(t, 1)
			s.clean("2")
			s.wantSQL("SELECT x FROM a WHERE x > 1 ORDER BY x", "2,3")
		})
	}
}
