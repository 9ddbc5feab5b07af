//go:build integration

package migrate

import (
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/golang-migrate/migrate/v4/database"

	"github.com/initbox/initbox/internal/testkit/testnet/gotool"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/tasks"
)

// advisoryID is the lock that golang-migrate takes for a name.
func advisoryID(t *testing.T, name string) string {
	t.Helper()
	id, err := database.GenerateAdvisoryLockId(name, "public", "schema_migrations")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A commandLine is golang-migrate's, of the version in go.mod, built once and kept
// in the user's cache.
type commandLine struct {
	once sync.Once
	path string
	err  error
}

var golangMigrate commandLine

func (c *commandLine) get(t *testing.T) string {
	t.Helper()
	c.once.Do(func() { c.path, c.err = buildGolangMigrate() })
	if c.err != nil {
		t.Fatal(c.err)
	}
	return c.path
}

func buildGolangMigrate() (string, error) {
	const module = "github.com/golang-migrate/migrate/v4"
	version, err := exec.Command("go", "list", "-m", "-f", "{{.Version}}", module).Output()
	if err != nil {
		return "", err
	}
	return gotool.Build(module+"/cmd/migrate@"+strings.TrimSpace(string(version)), "postgres", "pgx5", "mysql", "sqlite")
}

// cli runs golang-migrate's command line on the site.
func (s *site) cli(scheme string, args ...string) {
	s.t.Helper()
	url := strings.Replace(s.url, "postgres://", scheme+"://", 1)
	out, err := exec.Command(golangMigrate.get(s.t), append([]string{"-source", "file://" + s.dir, "-database", url}, args...)...).CombinedOutput()
	if err != nil {
		s.t.Fatalf("golang-migrate %v: %v\n%s", args, err, out)
	}
}

// Both tools work on the same database, in turns.
func TestTurnsWithGolangMigrate(t *testing.T) {
	for _, scheme := range []string{"postgres", "pgx5"} {
		t.Run(scheme, func(t *testing.T) {
			s := newSite(t)
			s.counting(1, 10)
			s.cli(scheme, "up", "2")
			s.run(func(t *Task) { t.To = "4" }).did(t, 3) // what the other one did is adopted, and two migrations
			s.cli(scheme, "up", "2")
			s.run(func(t *Task) { t.To = "8" }).did(t, 3)
			s.cli(scheme, "down", "3")
			s.run(func(t *Task) { t.To = "7" }).did(t, 2)
			s.cli(scheme, "up")
			s.run().did(t, 1)
			s.at("10|f")
			s.wantSQL("SELECT version FROM ran ORDER BY 1", "1 2 3 4 5 6 7 8 9 10")
			s.run(func(t *Task) { t.DownTo, t.AllowDown = "5", true }).did(t, 5)
			s.cli(scheme, "up")
			s.cli(scheme, "down", "-all")
			s.run().did(t, 10)
		})
	}
}

// Both tools run at the same time.
func TestRaceWithGolangMigrate(t *testing.T) {
	s := newSite(t)
	s.counting(1, 30)
	golangMigrate.get(t) // built before the race
	var group sync.WaitGroup
	for i := range 8 {
		if i%2 == 0 {
			p := s.start()
			group.Go(func() { p.wait(t) })
		} else {
			group.Go(func() { s.cli([]string{"postgres", "pgx5"}[i/2%2], "up") })
		}
	}
	group.Wait()
	s.wantSQL("SELECT version, dirty FROM schema_migrations", "30|f")
	s.wantSQL("SELECT count(*), count(DISTINCT version) FROM ran", "30|30")
}

// The error names the version that golang-migrate left dirty, and the way out.
func TestDirtyByGolangMigrate(t *testing.T) {
	s := newSite(t)
	s.counting(1, 2)
	s.write("2_step.up.sql", "nonsense")
	url := s.url
	if err := exec.Command(golangMigrate.get(t), "-source", "file://"+s.dir, "-database", url, "up").Run(); err == nil {
		t.Fatal("golang-migrate ran nonsense")
	}
	s.counting(2, 2)
	s.run().wants(t, tasks.Final, "version 2 (2_step.up.sql) is dirty")
	s.run(func(t *Task) { t.Resolve = "2=not-applied" }).did(t, 3) // the resolution, 1 adopted, and 2
	s.wantSQL("SELECT version FROM ran", "1 2")
}

// golang-migrate marks the version that it goes down to as dirty, which is -1
// below the first.
func TestDirtyOnTheWayDown(t *testing.T) {
	resolve := func(how string) func(*Task) { return func(t *Task) { t.Resolve = how } }
	task := New()
	task.URL, task.Source, task.Resolve = "sqlite:///x", "/x", "-1=not-applied"
	if err := task.Check(); err == nil || !strings.Contains(err.Error(), `--resolve-dirty "-1=not-applied"`) {
		t.Errorf("there is nothing before no version: %v", err)
	}
	for _, c := range []struct {
		steps        string // down, the last of which fails
		dirty, above string
		file         string
		left         string // rows of ran
		again        int64  // changes after the resolution that it is done
	}{
		{"1", "2", "3", "3_step", "1 2 3", 2},
		{"3", "-1", "1", "1_step", "1", 4},
	} {
		for _, undone := range []bool{true, false} {
			t.Run(fmt.Sprintf("to %s, undone %v", c.dirty, undone), func(t *testing.T) {
				s := newSite(t)
				s.counting(1, 3)
				s.run().did(t, 3)
				s.write(c.file+".down.sql", "nonsense")
				if err := exec.Command(golangMigrate.get(t), "-source", "file://"+s.dir, "-database", s.url, "down", c.steps).Run(); err == nil {
					t.Fatal("golang-migrate ran nonsense")
				}
				s.wantSQL("SELECT version, dirty FROM schema_migrations", c.dirty+"|t")
				s.run().wants(t, tasks.Final, "on its way down from "+c.file, "--resolve-dirty "+c.dirty+"=applied", "--resolve-dirty "+c.above+"=applied")
				if undone {
					s.sql("DROP TABLE t" + c.above + "; DELETE FROM ran WHERE version = " + c.above)
					if c.above == "1" {
						s.sql("DROP TABLE ran")
					}
					s.run(resolve(c.dirty+"=applied")).did(t, c.again)
				} else {
					s.run(resolve(c.above+"=applied")).did(t, 3-int64(len(strings.Fields(c.left)))+1)
				}
				s.at("3|f")
				s.wantSQL("SELECT version FROM ran", "1 2 3")
				s.wantSQL("SELECT count(*) FROM schema_migrations_history", "3")
			})
		}
	}
}

func TestPgBouncer(t *testing.T) {
	s := newSite(t)
	s.counting(1, 3)
	through := func(settings ...string) result {
		b := testdb.StartPgBouncer(t, s.pg, settings...)
		return s.run(func(t *Task) { t.URL = b.URL(s.db) })
	}
	for _, mode := range []string{"transaction", "statement"} {
		through("pool_mode="+mode).wants(t, tasks.Final, "a pooler in transaction mode", "pool_mode=session")
		through("pool_mode="+mode, "default_pool_size=1").wants(t, tasks.Final, "a pooler in transaction mode")
	}
	s.wantSQL("SELECT to_regclass('ran') IS NULL", "t")
	through("pool_mode=session").did(t, 3)
	s.counting(4, 4)
	through("pool_mode=session", "default_pool_size=1").did(t, 1)
	through("pool_mode=transaction").did(t, 0) // reading the version is all
}

// The golang-migrate command line works on the same file, in turns.
func TestSQLiteTurnsWithGolangMigrate(t *testing.T) {
	s := newFileSite(t)
	s.counting(1, 10)
	cli := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(golangMigrate.get(t), append([]string{"-source", "file://" + s.dir, "-database", s.url}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("golang-migrate %v: %v\n%s", args, err, out)
		}
	}
	cli("up", "2")
	s.run(func(t *Task) { t.To = "4" }).did(t, 3)
	cli("up", "2")
	s.run(func(t *Task) { t.To = "8" }).did(t, 3)
	cli("down", "3")
	s.run().did(t, 5)
	cli("up")
	s.wantSQL("SELECT count(*), count(DISTINCT version) FROM ran", "10 10")
	s.run(func(t *Task) { t.DownTo, t.AllowDown = "0", true }).did(t, 10)
	cli("up")
	s.run().did(t, 1)
}
