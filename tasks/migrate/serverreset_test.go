//go:build integration

package migrate

import (
	"testing"
	"time"
)

// A file that resets the session does not remove the limit for the files after it.
func TestResetKeepsLockTimeout(t *testing.T) {
	for _, reset := range []string{"RESET ALL", "RESET lock_timeout", "DO 'BEGIN RESET ALL; END'"} {
		s := newSite(t, "1_t.up.sql", "CREATE TABLE t (x varchar(90))", "2_reset.up.sql", reset,
			"3_after.up.sql", "INSERT INTO t SELECT current_setting('lock_timeout')")
		s.run(func(t *Task) { t.StatementLockTimeout = 1234 * time.Millisecond }).did(t, 3)
		s.wantSQL("SELECT x FROM t", "1234ms")
	}
}
