package migrate

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

var servers testdb.Servers

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		os.Exit(helper())
	}
	defer servers.Stop()
	m.Run()
}

// patience is longer than anything here takes, even on a busy machine.
const patience = time.Minute

// A site is a database and a folder of migrations for it.
type site struct {
	t   *testing.T
	pg  *testdb.Postgres
	db  string // name
	url string
	dir string // of the migrations
}

func newSite(t *testing.T, files ...string) *site {
	t.Helper()
	return newSiteOn(t, servers.Postgres(t), files...)
}

func newSiteOn(t *testing.T, pg *testdb.Postgres, files ...string) *site {
	t.Helper()
	s := &site{t: t, pg: pg, db: pg.NewDatabase(t), dir: t.TempDir()}
	s.url = pg.URL(s.db)
	s.write(files...)
	return s
}

func (s *site) write(files ...string) {
	s.t.Helper()
	write(s.t, s.dir, files...)
}

// counting writes simple migrations, each of which inserts its version into a table.
func (s *site) counting(from, to int) {
	s.t.Helper()
	for v := from; v <= to; v++ {
		up := fmt.Sprintf("CREATE TABLE t%d (x int);\nINSERT INTO ran VALUES (%d);", v, v)
		if v == 1 {
			up = "CREATE TABLE ran (version int);\n" + up
		}
		down := fmt.Sprintf("DROP TABLE t%d;\nDELETE FROM ran WHERE version = %d;", v, v)
		if v == 1 {
			down += "\nDROP TABLE ran;"
		}
		s.write(fmt.Sprintf("%d_step.up.sql", v), up, fmt.Sprintf("%d_step.down.sql", v), down)
	}
}

// A result is what one run did.
type result struct {
	err     error
	log     string
	summary string
	changes int64
}

// run migrates the site.
func (s *site) run(set ...func(*Task)) result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return s.runWith(ctx, new(testlog.Buffer), false, set...)
}

func (s *site) dryRun(set ...func(*Task)) result {
	s.t.Helper()
	return s.runWith(s.t.Context(), new(testlog.Buffer), true, set...)
}

func (s *site) runWith(ctx context.Context, l *testlog.Buffer, dryRun bool, set ...func(*Task)) result {
	s.t.Helper()
	task := New()
	task.URL, task.Source = s.url, s.dir
	for _, f := range set {
		f(task)
	}
	if err := task.Check(); err != nil {
		s.t.Fatal(err)
	}
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})), io.Discard, dryRun)
	err := task.Run(ctx, env)
	r := result{err: err, log: l.String(), changes: env.Changes(), summary: strings.Join(env.Summary(), "\n")}
	for _, text := range []string{r.log, r.summary, fmt.Sprint(r.err)} {
		if strings.Contains(text, testdb.AdminPassword) {
			s.t.Errorf("the password is in %q", text)
		}
	}
	return r
}

// explained runs with timeouts that grow until the error holds words: on a busy
// machine the first ones pass before there is a cause to report.
func explained(words string, run func(timeout time.Duration) result) (r result) {
	_ = testtime.Explained(func(timeout time.Duration) error {
		r = run(timeout)
		return r.err
	}, words)
	return r
}

// endsWithinASecond calls try, which returns how long something took to end.
func endsWithinASecond(t *testing.T, try func() time.Duration) {
	t.Helper()
	if took := testtime.Best(time.Second, try); took > time.Second {
		t.Errorf("it took %v to end", took)
	}
}

// wants fails the test unless r failed as kind with all of texts in its error.
func (r result) wants(t *testing.T, kind tasks.Kind, texts ...string) {
	t.Helper()
	if r.err == nil {
		t.Fatalf("no error, want %q\n%s", texts, r.log)
	}
	text := r.err.Error() + "\n" + tasks.NextOf(r.err)
	for _, want := range texts {
		if !strings.Contains(text, want) {
			t.Errorf("the error lacks %q:\n%s", want, text)
		}
	}
	if k := tasks.KindOf(r.err); k != kind {
		t.Errorf("the kind is %d, want %d: %v", k, kind, r.err)
	}
}

// did fails the test unless r succeeded with so many changes.
func (r result) did(t *testing.T, changes int64) {
	t.Helper()
	if r.err != nil {
		t.Fatalf("%v\n%s", r.err, r.log)
	}
	if r.changes != changes {
		t.Errorf("%d changes, want %d\n%s", r.changes, changes, r.log)
	}
}

// sql returns the rows of a query, separated by blanks.
func (s *site) sql(query string) string {
	s.t.Helper()
	return strings.ReplaceAll(s.pg.SQL(s.t, s.db, query), "\n", " ")
}

func (s *site) wantSQL(query, want string) {
	s.t.Helper()
	if got := s.sql(query); got != want {
		s.t.Errorf("%s\n  is %q, want %q", query, got, want)
	}
}

// at fails the test unless the database is clean at a version, "" for none, with
// nothing left half done.
func (s *site) at(version string) {
	s.t.Helper()
	s.wantSQL("SELECT version, dirty FROM schema_migrations", version)
	s.wantSQL("SELECT count(*) FROM schema_migrations_progress", "0")
	s.wantSQL("SELECT count(*) FROM pg_index WHERE NOT indisvalid", "0")
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// write writes files: name, content, name, content, ...
func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, dir string, names ...string) {
	t.Helper()
	for _, name := range names {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func (r result) warns(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(r.log, "level=WARN") || !strings.Contains(r.log, text) {
		t.Errorf("no warning with %q:\n%s", text, r.log)
	}
}
