//go:build integration

package migrate

import (
	"context"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/tasks"
)

// A failure names the database and the next step for this failure.
func TestNextSteps(t *testing.T) {
	for name, c := range map[string]struct {
		before, sql string
		wants       []string
	}{
		"syntax error": {"", "CREATE TABEL a (x int)", []string{"syntax error", "correct the file and run again"}},
		"exists":       {"CREATE TABLE a (x int)", "CREATE TABLE a (x int)", []string{"already exists", "--baseline", "IF NOT EXISTS"}},
		"denied":       {"", "SET ROLE pg_monitor; CREATE TABLE a (x int)", []string{"permission denied", "GRANT the user what it lacks"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "1_a.up.sql", c.sql)
			if c.before != "" {
				s.sql(c.before)
			}
			s.run().wants(t, tasks.Failed, append(c.wants, "postgres://"+s.pg.Addr()+"/"+s.db+" as ", "1_a.up.sql, line 1")...)
		})
	}
}

// The cause is the error before the deadline, which says more than the cancelled call.
func TestTableLockedUntilDeadline(t *testing.T) {
	s := newSite(t, "1_a.up.sql", "ALTER TABLE a ADD COLUMN y int")
	s.sql("CREATE TABLE a (x int)")
	release := s.hold("LOCK TABLE a")
	defer release()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	r := s.runWith(ctx, new(testlog.Buffer), false, func(t *Task) { t.StatementLockTimeout = 100 * time.Millisecond })
	r.wants(t, tasks.Failed, "canceling statement due to lock timeout", "find the session that has the table")
}
