//go:build integration

package migrate

import (
	"strings"
	"testing"

	"github.com/initbox/initbox/tasks"
)

func strict(t *Task) { t.Strict = true }

func TestChangedFile(t *testing.T) {
	s := newSite(t)
	s.counting(1, 2)
	s.run().did(t, 2)
	s.write("1_step.up.sql", "CREATE TABLE other (x int)")
	r := s.run()
	r.did(t, 0)
	r.warns(t, "1_step.up.sql was changed after it had been applied")
	s.run(strict).wants(t, tasks.Final, "1_step.up.sql was changed", "--strict")
}

func TestOutOfOrder(t *testing.T) {
	s := newSite(t)
	s.counting(1, 4)
	remove(t, s.dir, "3_step.up.sql", "3_step.down.sql")
	s.run().did(t, 3)
	s.counting(3, 3)
	s.counting(5, 5)
	s.run().wants(t, tasks.Final, "out of order: 3_step.up.sql", "version 4", "--allow-out-of-order")
	s.at("4|f")
	s.run(func(t *Task) { t.AllowOutOfOrder = true }).did(t, 2)
	s.at("5|f")
	s.wantSQL("SELECT version FROM ran", "1 2 4 3 5")
	s.run().did(t, 0)
}

func TestDatabaseAhead(t *testing.T) {
	s := newSite(t)
	s.counting(1, 4)
	s.run().did(t, 4)
	remove(t, s.dir, "4_step.up.sql", "4_step.down.sql")
	r := s.run()
	r.did(t, 0)
	r.warns(t, "the database is ahead: it is at version 4, the newest file is version 3")
	s.run(strict).wants(t, tasks.Final, "the database is ahead")
	s.run(func(t *Task) { t.To = "2" }).warns(t, "it is at version 4, --to says 2")

	s.counting(5, 5)
	r = s.run()
	r.did(t, 1)
	r.warns(t, "the database is at version 4, of which there is no file")
}

func TestBaseline(t *testing.T) {
	s := newSite(t)
	s.counting(1, 4)
	s.sql("CREATE TABLE ran (version int)")
	baseline := func(t *Task) { t.Baseline = "2" }
	r := s.dryRun(baseline)
	r.did(t, 3)
	if !strings.Contains(r.log, `msg="would baseline" target="version 2"`) {
		t.Error(r.log)
	}
	s.run(baseline).did(t, 3)
	s.at("4|f")
	s.wantSQL("SELECT version FROM ran", "3 4")
	s.wantSQL("SELECT kind, version, applied_at IS NULL FROM schema_migrations_history ORDER BY version", "baseline|1|t baseline|2|t applied|3|f applied|4|f")
	s.run(baseline).did(t, 0)
	s.run(func(t *Task) { t.Baseline = "7" }).wants(t, tasks.Usage, "--baseline 7: ", "holds no such version; its newest is 4")

	behind := newSite(t)
	behind.counting(1, 3)
	behind.run(func(t *Task) { t.To = "1" }).did(t, 1)
	behind.run(baseline).wants(t, tasks.Final, "--baseline 2 is for a database without migrations, but this one is at version 1")
}

func TestDirtyByAnotherTool(t *testing.T) {
	s := newSite(t)
	s.counting(1, 3)
	s.run(func(t *Task) { t.To = "1" }).did(t, 1)
	dirty := "DELETE FROM schema_migrations; INSERT INTO schema_migrations VALUES (2, true)"
	s.sql(dirty)
	s.run().wants(t, tasks.Final, "version 2 (2_step.up.sql) is dirty", "--resolve-dirty 2=applied", "--resolve-dirty 2=not-applied")
	s.wantSQL("SELECT version, dirty FROM schema_migrations", "2|t")
	resolve := func(how string) func(*Task) { return func(t *Task) { t.Resolve = how } }
	s.run(resolve("3=applied")).wants(t, tasks.Final, "--resolve-dirty names version 3, but dirty is version 2")

	s.run(resolve("2=not-applied")).did(t, 3) // the resolution, 2 and 3
	s.at("3|f")
	s.wantSQL("SELECT version FROM ran", "1 2 3")
	s.run(resolve("2=not-applied")).did(t, 0)

	s.sql("DELETE FROM schema_migrations; INSERT INTO schema_migrations VALUES (2, true); DROP TABLE t3")
	s.run(resolve("2=applied")).did(t, 2)
	s.at("3|f")
}

func TestSeeds(t *testing.T) {
	s := newSite(t)
	s.counting(1, 1)
	dir := t.TempDir()
	write(t, dir, "b.sql", "INSERT INTO ran VALUES (200)", "a.sql", "INSERT INTO ran VALUES (100)", "README.md", "not SQL")
	seeds := func(t *Task) { t.Seeds = dir }
	s.dryRun(seeds).did(t, 3)
	s.run(seeds).did(t, 3)
	s.wantSQL("SELECT version FROM ran", "1 100 200")
	s.run(seeds).did(t, 0)
	write(t, dir, "a.sql", "INSERT INTO ran VALUES (101)")
	s.run(seeds).did(t, 1)
	s.wantSQL("SELECT version FROM ran", "1 100 200 101")
	s.wantSQL("SELECT kind, version, name FROM schema_migrations_history WHERE kind = 'seed' ORDER BY name", "seed|0|a.sql seed|0|b.sql")
	s.at("1|f")
}

// The history adopts another tool's versions with the present files, even if there is
// nothing else to do. Files that are added below them later are late.
func TestAdoption(t *testing.T) {
	s := newSite(t)
	s.counting(1, 4)
	remove(t, s.dir, "2_step.up.sql", "2_step.down.sql", "4_step.up.sql", "4_step.down.sql")
	s.sql("CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (3, false); CREATE TABLE ran (version int)")
	r := s.dryRun()
	r.did(t, 1)
	if !strings.Contains(r.log, `msg="would adopt" target="2 migrations that another tool applied"`) {
		t.Error(r.log)
	}
	s.run().did(t, 1)
	s.wantSQL("SELECT kind, version FROM schema_migrations_history ORDER BY version", "baseline|1 baseline|3")
	s.run().did(t, 0)
	s.at("3|f")

	s.counting(2, 2)
	s.run().wants(t, tasks.Final, "out of order: 2_step.up.sql came after version 3")
	s.counting(4, 4)
	s.run().wants(t, tasks.Final, "out of order: 2_step.up.sql came after version 3")
	s.run(outOfOrder).did(t, 2)
	s.wantSQL("SELECT version FROM ran", "2 4")
	s.run().did(t, 0)
}

// Files that another tool applied are not late when its last version is resolved.
func TestAdoptionOfDirty(t *testing.T) {
	s := newSite(t)
	s.counting(1, 3)
	s.sql("CREATE TABLE schema_migrations (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO schema_migrations VALUES (2, true); CREATE TABLE ran (version int)")
	s.run(func(t *Task) { t.Resolve = "2=applied" }).did(t, 3)
	s.wantSQL("SELECT kind, version FROM schema_migrations_history ORDER BY version", "baseline|1 baseline|2 applied|3")
	s.at("3|f")
}

func TestTableAndSchema(t *testing.T) {
	s := newSite(t)
	s.counting(1, 2)
	s.sql(`CREATE SCHEMA "Meta"`)
	place := func(t *Task) { t.Table, t.Schema = "my versions", "Meta" }
	s.run(place).did(t, 2)
	s.run(place).did(t, 0)
	s.wantSQL(`SELECT version, dirty FROM "Meta"."my versions"`, "2|f")
	s.wantSQL(`SELECT count(*) FROM "Meta"."my versions_history"`, "2")

	// A table of the same name in a later schema of the search_path is another one.
	s.sql("CREATE SCHEMA first; ALTER DATABASE " + s.db + " SET search_path = first, public; CREATE TABLE public.schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); INSERT INTO public.schema_migrations VALUES (1, false)")
	s.run().did(t, 2)
	s.wantSQL("SELECT version FROM first.schema_migrations", "2")
	s.wantSQL("SELECT version FROM public.schema_migrations", "1")
}

// An anySite is what the sites of all three have in common.
type anySite interface {
	write(files ...string)
	run(set ...func(*Task)) result
	wantSQL(query, want string)
}

// A half-done file goes on where it stopped, even if others have come late.
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
