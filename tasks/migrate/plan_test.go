package migrate

import (
	"testing"

	"github.com/initbox/initbox/tasks"
)

func outOfOrder(t *Task) { t.AllowOutOfOrder = true }

// The highest version is a version.
func TestHighestVersion(t *testing.T) {
	const highest = "9223372036854775807"
	s := newFileSite(t, highest+"_last.up.sql", "CREATE TABLE last (x int)", highest+"_last.down.sql", "DROP TABLE last")
	s.run().did(t, 1)
	s.wantSQL("SELECT version FROM schema_migrations", highest)
	s.write("0_first.up.sql", "CREATE TABLE first (x int)")
	s.run(outOfOrder).did(t, 1)
	s.run().did(t, 0)
	s.run(func(t *Task) { t.DownTo, t.AllowDown = "0", true }).did(t, 1)
	s.wantSQL("SELECT version FROM schema_migrations", "0")
}

// A half-done file above --to is not run, and its version is not passed over.
func TestHalfDoneAboveTo(t *testing.T) {
	s := newFileSite(t, "1_a.up.sql", "CREATE TABLE a (x int)", "2_b.up.sql", "-- initbox:no-transaction\nINSERT INTO a VALUES (1);\nnonsense;")
	s.run().wants(t, tasks.Failed, "2_b.up.sql, line 3")
	s.write("2_b.up.sql", "-- initbox:no-transaction\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);")
	for range 2 {
		s.run(func(t *Task) { t.To = "1" }).wants(t, tasks.Final, "2_b.up.sql is half done and above version 1 (--to)", "without --to")
		s.wantSQL("SELECT x FROM a", "1")
	}
	s.run().did(t, 1)
	s.wantSQL("SELECT x FROM a", "1,2")
}

// A half-done way down is finished, and never taken for nothing to do.
func TestHalfDoneDown(t *testing.T) {
	s := newFileSite(t, "1_a.up.sql", "CREATE TABLE a (x int)", "2_b.up.sql", "INSERT INTO a VALUES (1), (2)",
		"2_b.down.sql", "-- initbox:no-transaction\nDELETE FROM a WHERE x = 1;\nnonsense;")
	down := func(to string) func(*Task) { return func(t *Task) { t.DownTo, t.AllowDown = to, true } }
	s.run().did(t, 2)
	s.run(down("1")).wants(t, tasks.Failed, "2_b.down.sql, line 3")
	s.write("2_b.down.sql", "-- initbox:no-transaction\nDELETE FROM a WHERE x = 1;\nDELETE FROM a;")
	s.run(down("2")).wants(t, tasks.Final, "2_b.down.sql is half done")
	s.wantSQL("SELECT x FROM a", "2")
	s.run(down("1")).did(t, 1)
	s.wantSQL("SELECT count(*) FROM a", "0")
	s.wantSQL("SELECT version FROM schema_migrations WHERE NOT dirty", "1")
}

// A late file that is half done is finished in a database that is ahead.
func TestHalfDoneLateFile(t *testing.T) {
	s := newFileSite(t, "1_a.up.sql", "CREATE TABLE a (x int)", "3_c.up.sql", "CREATE TABLE c (x int)")
	s.run().did(t, 2)
	s.write("2_b.up.sql", "-- initbox:no-transaction\nINSERT INTO a VALUES (1);\nnonsense;")
	s.run(outOfOrder).wants(t, tasks.Failed, "2_b.up.sql, line 3")
	s.write("2_b.up.sql", "-- initbox:no-transaction\nINSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);")
	remove(t, s.dir, "3_c.up.sql")
	r := s.run()
	r.did(t, 1)
	r.warns(t, "the database is ahead: it is at version 3, the newest file is version 2")
	s.wantSQL("SELECT x FROM a", "1,2")
	s.wantSQL("SELECT version FROM schema_migrations WHERE NOT dirty", "3")
}
