//go:build integration

package migrate

import (
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/tasks"
)

// Statements that PostgreSQL refuses in a transaction because of their object, which
// no keyword shows.
func TestNoTransactionIsNone(t *testing.T) {
	const partitioned = "CREATE TABLE p (x int) PARTITION BY RANGE (x);\nCREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (9);\nCREATE INDEX p_x ON p (x);"
	s := newSite(t, "1_p.up.sql", partitioned,
		"2_first.up.sql", "-- initbox:no-transaction\nREINDEX TABLE p;",
		"3_later.up.sql", "-- initbox:no-transaction\nINSERT INTO p VALUES (1);\nREINDEX INDEX p_x;\nINSERT INTO p VALUES (2);\nREINDEX TABLE p;")
	s.run().did(t, 3)
	s.at("3|f")
	s.wantSQL("SELECT x FROM p ORDER BY x", "1 2")
	s.write("4_p.up.sql", "REINDEX TABLE p;")
	s.run().wants(t, tasks.Failed, "cannot run inside a transaction block (25001)")
}

// A DO or CALL that failed before it committed anything is like any other statement: its
// error counts, and the next run tries it again.
func TestOpaqueRefused(t *testing.T) {
	for name, statement := range map[string]string{
		"DO":                    "DO 'BEGIN INSERT INTO t VALUES (2); PERFORM 1 / (SELECT count(*) FROM u); END'",
		"DO that commits later": "DO 'BEGIN INSERT INTO t VALUES (2); PERFORM 1 / (SELECT count(*) FROM u); COMMIT; END'",
		"CALL":                  "CALL p()",
		"rolled back":           "BEGIN;\nSELECT 1 / (SELECT count(*) FROM u);\nROLLBACK;\nINSERT INTO t VALUES (2)",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "1_t.up.sql", "-- initbox:no-transaction\nINSERT INTO t VALUES (1);\n"+statement)
			s.sql("CREATE TABLE t (x int); CREATE TABLE u (x int); CREATE PROCEDURE p() LANGUAGE plpgsql AS 'BEGIN INSERT INTO t VALUES (2); PERFORM 1 / (SELECT count(*) FROM u); COMMIT; END'")
			for range 2 {
				s.run().wants(t, tasks.Failed, "division by zero (22012)")
			}
			s.sql("INSERT INTO u VALUES (1)")
			s.run().did(t, 1)
			s.at("1|f")
			s.wantSQL("SELECT x FROM t ORDER BY x", "1 2")
		})
	}
}

// A DO or CALL that failed after a COMMIT of its own may have done anything.
func TestOpaqueRefusedLate(t *testing.T) {
	s := newSite(t, "1_t.up.sql", "-- initbox:no-transaction\nDO 'BEGIN INSERT INTO t VALUES (2); COMMIT; PERFORM 1 / (SELECT count(*) FROM u); END'")
	s.sql("CREATE TABLE t (x int); CREATE TABLE u (x int)")
	s.run().wants(t, tasks.Failed, "division by zero (22012)")
	s.run().wants(t, tasks.Final, "statement 1", "it failed behind a COMMIT of its own", "--resolve-dirty")
	s.wantSQL("SELECT x FROM t", "2")
}

func TestOpaqueLockTimeout(t *testing.T) {
	s := newSite(t, "1_t.up.sql", "-- initbox:no-transaction\nDO 'BEGIN LOCK TABLE t; INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); END'")
	s.sql("CREATE TABLE t (x int)")
	release := s.hold("LOCK TABLE t IN ACCESS SHARE MODE")
	l, ended := new(testlog.Buffer), make(chan result, 1)
	go func() {
		ended <- s.runWith(t.Context(), l, false, func(t *Task) { t.StatementLockTimeout = 100 * time.Millisecond })
	}()
	eventually(t, "it tries again", func() bool { return strings.Contains(l.String(), "trying again") })
	release()
	(<-ended).did(t, 1)
	s.at("1|f")
	s.wantSQL("SELECT x FROM t ORDER BY x", "1 2")
}
