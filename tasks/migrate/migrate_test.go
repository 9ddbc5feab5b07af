//go:build integration

package migrate

import (
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/tasks"
)

func TestUpAndAgain(t *testing.T) {
	s := newSite(t)
	s.counting(1, 3)
	r := s.run()
	r.did(t, 3)
	s.at("3|f")
	s.wantSQL("SELECT version FROM ran ORDER BY 1", "1 2 3")
	s.wantSQL("SELECT kind, version, name, length(sha256), applied_at > now() - interval '1 hour', duration_ms < 60000, pod <> '' FROM schema_migrations_history ORDER BY version",
		"applied|1|1_step.up.sql|64|t|t|t applied|2|2_step.up.sql|64|t|t|t applied|3|3_step.up.sql|64|t|t|t")
	for _, want := range []string{"begin to apply", "target=2_step", "statements=2", "took="} {
		if !strings.Contains(r.log, want) {
			t.Errorf("the log lacks %q:\n%s", want, r.log)
		}
	}
	r = s.run()
	r.did(t, 0)
	if !strings.Contains(r.summary, "nothing to do at version 3") {
		t.Errorf("summary %q", r.summary)
	}
	s.counting(4, 5)
	s.run(func(t *Task) { t.To = "4" }).did(t, 1)
	s.at("4|f")
	s.run().did(t, 1)
	s.at("5|f")
}

func TestDown(t *testing.T) {
	s := newSite(t)
	s.counting(1, 4)
	s.run().did(t, 4)
	down := func(to string) func(*Task) { return func(t *Task) { t.DownTo, t.AllowDown = to, true } }
	s.run(down("2")).did(t, 2)
	s.at("2|f")
	s.wantSQL("SELECT version FROM schema_migrations_history ORDER BY 1", "1 2")
	s.run(down("2")).did(t, 0)
	s.run(down("3")).wants(t, tasks.Final, "which is below")
	s.run(down("0")).did(t, 2)
	s.at("")
	s.run(down("0")).did(t, 0)
	s.run().did(t, 4)
	s.at("4|f")
}

func TestDryRun(t *testing.T) {
	s := newSite(t)
	s.counting(1, 2)
	r := s.dryRun()
	r.did(t, 2)
	for _, want := range []string{`"would apply" target=1_step`, `"would apply" target=2_step`} {
		if !strings.Contains(r.log, want) {
			t.Errorf("the log lacks %s:\n%s", want, r.log)
		}
	}
	s.wantSQL("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace", "0")
}

func TestFailureRollsBack(t *testing.T) {
	s := newSite(t, "1_a.up.sql", "CREATE TABLE a (x int);\n\n-- next\nINSERT INTO a\n  VALUES ('s3cret-value'::text || nosuch);\nCREATE TABLE b (x int);",
		"2_b.up.sql", "CREATE TABLE c (x int)")
	r := s.run()
	r.wants(t, tasks.Failed, "apply 1_a: 1_a.up.sql, line 5 (statement 2): ", `column "nosuch" does not exist`, "(42703)")
	if strings.Contains(r.err.Error()+r.log, "INSERT") {
		t.Errorf("SQL in %v\n%s", r.err, r.log)
	}
	s.wantSQL("SELECT count(*) FROM schema_migrations", "0")
	s.wantSQL("SELECT to_regclass('a') IS NULL AND to_regclass('c') IS NULL", "t")
	s.write("1_a.up.sql", "CREATE TABLE a (x int);")
	s.run().did(t, 2)
	s.at("2|f")
}

// Clean and at the newest file costs one query and takes no lock.
func TestNothingToDoIsOneQuery(t *testing.T) {
	pg := testdb.StartPostgres(t, &testdb.PostgresSetup{Settings: []string{"log_statement=all"}})
	s := newSiteOn(t, pg)
	s.counting(1, 3)
	s.run().did(t, 3)
	before := pg.Log()
	s.run().did(t, 0)
	said := strings.TrimPrefix(pg.Log(), before)
	if n := strings.Count(said, "LOG:  execute") + strings.Count(said, "LOG:  statement"); n != 1 {
		t.Errorf("%d statements, want 1:\n%s", n, said)
	}
	if strings.Contains(said, "advisory") {
		t.Errorf("a lock was asked for:\n%s", said)
	}
}
