package migrate

import (
	"testing"

	"github.com/initbox/initbox/tasks"
)

// An anySite is what the sites of all three have in common.
type anySite interface {
	write(files ...string)
	run(set ...func(*Task)) result
	wantSQL(query, want string)
}

func outOfOrder(t *Task) { t.AllowOutOfOrder = true }

// A half-done file goes on where it was, also if others came late meanwhile.
func TestLateFileBesidesHalfDone(t *testing.T) {
	for name, on := range map[string]struct {
		site  func(*testing.T) anySite
		apart string // what makes statements commit one by one
	}{
		"PostgreSQL": {func(t *testing.T) anySite { return newSite(t) }, "VACUUM;\n"},
		"MariaDB":    {func(t *testing.T) anySite { return newMySite(t) }, ""},
		"SQLite":     {func(t *testing.T) anySite { return newFileSite(t) }, "VACUUM;\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := on.site(t)
			half := "-- initbox:no-transaction\nCREATE TABLE IF NOT EXISTS c (x int);\nINSERT INTO c VALUES (1);\n" + on.apart
			s.write("3_a.up.sql", "CREATE TABLE a (x int)", "5_c.up.sql", half+"INSERT INTO c VALEUS (2);")
			s.run().wants(t, tasks.Failed, "5_c.up.sql, line")
			// One below what is applied and one just below the half-done file.
			s.write("5_c.up.sql", half+"INSERT INTO c VALUES (2);", "6_d.up.sql", "INSERT INTO c VALUES (6)",
				"2_late.up.sql", "INSERT INTO c VALUES (20)", "4_late.up.sql", "INSERT INTO c VALUES (40)")
			s.run().wants(t, tasks.Final, "out of order: 2_late.up.sql, 4_late.up.sql came after version 5")
			s.run(outOfOrder).did(t, 4)
			for x, want := range map[string]string{"1": "1", "2": "1", "20": "1", "40": "1", "6": "1"} {
				s.wantSQL("SELECT count(*) FROM c WHERE x = "+x, want)
			}
			s.wantSQL("SELECT version FROM schema_migrations WHERE NOT dirty", "6")
			s.wantSQL("SELECT count(*) FROM schema_migrations_history WHERE kind = 'applied'", "5")
			s.run().did(t, 0)
		})
	}
}

// A half-done file ends when the statement that failed is taken out of it.
func TestHalfDoneWithoutItsEnd(t *testing.T) {
	for name, s := range map[string]anySite{"PostgreSQL": newSite(t), "MariaDB": newMySite(t), "SQLite": newFileSite(t)} {
		t.Run(name, func(t *testing.T) {
			const half = "-- initbox:no-transaction\nCREATE TABLE c (x int);\nINSERT INTO c VALUES (1);\n"
			s.write("1_c.up.sql", half+"INSERT INTO c VALEUS (2);")
			s.run().wants(t, tasks.Failed, "1_c.up.sql, line 4")
			s.write("1_c.up.sql", half)
			s.run().did(t, 1)
			s.wantSQL("SELECT version FROM schema_migrations WHERE NOT dirty", "1")
			s.wantSQL("SELECT count(*) FROM schema_migrations_progress", "0")
			s.run().did(t, 0)
		})
	}
}

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
