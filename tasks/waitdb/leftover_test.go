//go:build integration

package waitdb

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// A query that takes longer than an attempt ends with the attempt: otherwise a wait of
// minutes would fill the server with queries. The query computes, since SLEEP would
// notice by itself that the client is away.
func TestLeavesNoQuery(t *testing.T) {
	p, m := servers.Postgres(t), servers.MySQL(t)
	inPostgres, inMySQL := p.NewDatabase(t), m.NewDatabase(t)
	for name, c := range map[string]struct {
		url, query string
		sql        func(string) string
		left       string
	}{
		"postgres": {p.URL(inPostgres), "SELECT pg_sleep(600)", func(q string) string { return p.SQL(t, inPostgres, q) }, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid()"},
		"mysql":    {m.URL(inMySQL), "SELECT BENCHMARK(1000000000000, MD5('x'))", func(q string) string { return m.SQL(t, inMySQL, q) }, "SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE DB = DATABASE() AND COMMAND = 'Query' AND ID <> CONNECTION_ID()"},
	} {
		t.Run(name, func(t *testing.T) {
			running := func() bool { return strings.TrimSpace(c.sql(c.left)) != "0" }
			const words = "does not answer in time"
			err := testtime.Explained(func(timeout time.Duration) error {
				ended := make(chan error, 1)
				go func() {
					ended <- run(t, timeout, c.url, func(task *Task) { task.Query, task.AttemptTimeout = c.query, timeout*2/3 })
				}()
				for seen := false; ; seen = seen || running() {
					select {
					case err := <-ended:
						if !seen {
							return errors.New("the query was not seen to run")
						}
						return err
					default:
					}
				}
			}, words)
			want(t, err, tasks.Failed, words)
			for end := time.Now().Add(patience); running(); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("queries still run")
				}
			}
		})
	}
}
