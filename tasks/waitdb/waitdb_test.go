//go:build integration

package waitdb

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

const patience = testtime.Patience

// short is the delay until the event that a test waits for.
const short = 300 * time.Millisecond

var servers testdb.Servers

func TestMain(m *testing.M) {
	defer servers.Stop()
	m.Run()
}

// run waits for the database at url with the configuration that configure makes.
// Neither log nor error may hold the password.
func run(t *testing.T, timeout time.Duration, url string, configure func(*Task)) error {
	t.Helper()
	log := new(testlog.Buffer)
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), io.Discard, false)
	return runIn(t, env, log, timeout, url, configure)
}

func runIn(t *testing.T, env *tasks.Env, log *testlog.Buffer, timeout time.Duration, url string, configure func(*Task)) error {
	t.Helper()
	task := New()
	task.Database.URL = url
	if configure != nil {
		configure(task)
	}
	if err := task.Check(); err != nil {
		t.Fatalf("Check: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	err := task.Run(ctx, env)
	if n := env.Changes(); n != 0 {
		t.Errorf("a wait has made %d changes", n)
	}
	text := fmt.Sprint(err, tasks.NextOf(err), log, env.Summary(), env.Activity())
	if strings.Contains(text, testdb.AdminPassword) {
		t.Errorf("the password is in: %s", text)
	}
	t.Logf("%v\n%s", err, log)
	return err
}

func want(t *testing.T, err error, kind tasks.Kind, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) || tasks.KindOf(err) != kind {
		t.Errorf("got %v (kind %d), want kind %d and %q", err, tasks.KindOf(err), kind, words)
	} else if tasks.NextOf(err) == "" && kind != tasks.Usage {
		t.Errorf("%v: no next step", err)
	}
}

// wantUnready waits until a deadline, and checks what the error says then.
func wantUnready(t *testing.T, url string, configure func(*Task), words string) {
	t.Helper()
	err := testtime.Explained(func(timeout time.Duration) error { return run(t, timeout, url, configure) }, words)
	want(t, err, tasks.Failed, words)
}

func TestLogin(t *testing.T) {
	p, m := servers.Postgres(t), servers.MySQL(t)
	file := filepath.Join(t.TempDir(), "app.db")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{p.URL("postgres"), m.URL("mysql"), "sqlite://" + file} {
		if err := run(t, patience, u, nil); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	want(t, run(t, patience, p.URL("nosuch"), nil), tasks.Final, "postgres://"+p.Addr()+`/nosuch as admin: PostgreSQL says: database "nosuch" does not exist`)
	want(t, run(t, patience, m.URL("nosuch"), nil), tasks.Final, "mysql://"+m.Addr()+"/nosuch as admin: MySQL says: Unknown database")
	wantUnready(t, "sqlite:///nosuch/app.db", nil, "sqlite:///nosuch/app.db: there is no file /nosuch/app.db yet (after ")
	closed := testnet.Closed(t)
	for _, scheme := range []string{"postgres", "mysql"} {
		wantUnready(t, scheme+"://a@"+closed+"/b", nil, scheme+"://"+closed+"/b as a: connection refused by "+closed)
	}
}

// A database may be late because of its name, its start or a connection limit.
func TestBecomesReady(t *testing.T) {
	dns := testnet.NewDNS(t)
	p := testdb.LaunchPostgres(t, &testdb.PostgresSetup{Settings: []string{"hot_standby=off"}, Files: map[string][]byte{"standby.signal": nil}})
	time.AfterFunc(100*time.Millisecond, func() { dns.Set("db.test", "127.0.0.1") })
	time.AfterFunc(time.Second, func() { p.Promote(t) })
	u := strings.Replace(p.URL("postgres"), "127.0.0.1", "db.test", 1)
	resolver := func(task *Task) { task.Database.Resolver = dns.Resolver() }
	if err := run(t, patience, u, resolver); err != nil {
		t.Fatal(err)
	}

	p.SQL(t, "postgres", "CREATE ROLE app LOGIN PASSWORD 'app-secret' CONNECTION LIMIT 0")
	as := func(task *Task) { resolver(task); task.Database.User, task.Database.Password = "app", "app-secret" }
	wantUnready(t, u, as, "too many connections for role")
	time.AfterFunc(short, func() { p.SQL(t, "postgres", "ALTER ROLE app CONNECTION LIMIT 9") })
	if err := run(t, patience, u, as); err != nil {
		t.Error(err)
	}
}

// The wait reports a server that hangs, and ends soon after the server goes on.
func TestHangs(t *testing.T) {
	for name, start := range map[string]func() (u string, pause func() func()){
		"postgres": func() (string, func() func()) {
			p := testdb.StartPostgres(t, nil)
			return p.URL("postgres"), func() func() { return p.Pause(t) }
		},
		"mysql": func() (string, func() func()) {
			m := testdb.StartMySQL(t, &testdb.MySQLSetup{Args: []string{"--back-log=1000"}}) // one for each attempt
			return m.URL(""), func() func() { return m.Pause(t) }
		},
	} {
		u, pause := start()
		resume := pause()
		const words = "accepts the connection but does not answer in time"
		for _, noLogin := range []bool{false, true} {
			err := testtime.Explained(func(timeout time.Duration) error {
				return run(t, timeout, u, func(task *Task) { task.NoLogin, task.AttemptTimeout = noLogin, timeout/3 })
			}, words)
			want(t, err, tasks.Failed, words)
		}
		time.AfterFunc(short, resume)
		if err := run(t, patience, u, nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNoLogin(t *testing.T) {
	p, m := servers.Postgres(t), servers.MySQL(t)
	noLogin := func(task *Task) { task.NoLogin = true }
	for _, u := range []string{"postgres://" + p.Addr(), "postgres:///?port=" + p.Port + "&host=" + url.QueryEscape(p.Dir), "mysql://" + m.Addr(), "mysql://unix(" + m.Socket + ")/"} {
		if err := run(t, patience, u, noLogin); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	standby := testdb.LaunchPostgres(t, &testdb.PostgresSetup{Settings: []string{"hot_standby=off"}, Files: map[string][]byte{"standby.signal": nil}})
	time.AfterFunc(time.Second, func() { standby.Promote(t) })
	if err := run(t, patience, standby.URL("postgres"), noLogin); err != nil {
		t.Error(err)
	}
	want(t, run(t, patience, "sqlite:///x", noLogin), tasks.Usage, "a SQLite file has no login")
}

func TestQuery(t *testing.T) {
	p, m := servers.Postgres(t), servers.MySQL(t)
	inPostgres, inMySQL := p.NewDatabase(t), m.NewDatabase(t)
	for _, c := range []struct {
		url  string
		exec func(string)
	}{
		{p.URL(inPostgres), func(s string) { p.SQL(t, inPostgres, s) }},
		{m.URL(inMySQL), func(s string) { m.SQL(t, inMySQL, s) }},
	} {
		query := func(task *Task) { task.Query = "SELECT state FROM t" }
		expect := func(value string) func(*Task) { return func(task *Task) { query(task); task.Expect = &value } }
		wantUnready(t, c.url, query, "--query: ")
		c.exec("CREATE TABLE t (state varchar(20))")
		wantUnready(t, c.url, query, "--query returns no row")
		time.AfterFunc(short, func() { c.exec("INSERT INTO t VALUES ('')") })
		if err := run(t, patience, c.url, query); err != nil {
			t.Error(err)
		}
		if err := run(t, patience, c.url, expect("")); err != nil {
			t.Error(err)
		}
		wantUnready(t, c.url, expect("ready"), "not the value of --expect")
		time.AfterFunc(short, func() { c.exec("UPDATE t SET state = 'ready'") })
		if err := run(t, patience, c.url, expect("ready")); err != nil {
			t.Error(err)
		}
		want(t, run(t, patience, c.url, func(task *Task) { task.Query = "DELETE FROM t" }), tasks.Final, "would change the database")
	}
}

func TestMigrated(t *testing.T) {
	p, m := servers.Postgres(t), servers.MySQL(t)
	inPostgres, inMySQL := p.NewDatabase(t), m.NewDatabase(t)
	source := t.TempDir()
	for _, name := range []string{"1_a.up.sql", "7_b.up.sql", "7_b.down.sql"} {
		if err := os.WriteFile(filepath.Join(source, name), []byte("SELECT 1"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		url  string
		exec func(string)
	}{
		{p.URL(inPostgres), func(s string) { p.SQL(t, inPostgres, s) }},
		{m.URL(inMySQL), func(s string) { m.SQL(t, inMySQL, s) }},
	} {
		at := func(task *Task) { task.AtVersion, task.Table = "7", "versions" }
		from := func(task *Task) { task.Source, task.Table = source, "versions" }
		wantUnready(t, c.url, at, "no migration has been applied yet (--at-version asks for version 7)")
		c.exec("CREATE TABLE versions (version bigint, dirty boolean); INSERT INTO versions VALUES (1, false)")
		wantUnready(t, c.url, from, "the database is at version 1, --source "+source+" asks for 7")
		c.exec("UPDATE versions SET version = 7, dirty = true")
		wantUnready(t, c.url, at, "version 7 is dirty")
		time.AfterFunc(short, func() { c.exec("UPDATE versions SET dirty = false") })
		for _, configure := range []func(*Task){from, at} {
			if err := run(t, patience, c.url, configure); err != nil {
				t.Error(err)
			}
		}
		c.exec("UPDATE versions SET version = 8")
		if err := run(t, patience, c.url, from); err != nil {
			t.Errorf("a database ahead: %v", err)
		}
	}
	want(t, run(t, patience, p.URL(inPostgres), func(task *Task) { task.Source = "/nosuch" }), tasks.Usage, "/nosuch")
	schema := func(task *Task) { task.AtVersion, task.Schema = "1", "elsewhere" }
	p.SQL(t, inPostgres, "CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.schema_migrations (version bigint, dirty boolean); INSERT INTO elsewhere.schema_migrations VALUES (1, false)")
	if err := run(t, patience, p.URL(inPostgres), schema); err != nil {
		t.Error(err)
	}
}

func TestDryRunLooksOnce(t *testing.T) {
	log := new(testlog.Buffer)
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(log, nil)), io.Discard, true)
	closed := testnet.Closed(t)
	if err := runIn(t, env, log, patience, "postgres://a@"+closed+"/b", nil); err != nil {
		t.Error(err)
	}
	if err := runIn(t, env, log, patience, servers.Postgres(t).URL("postgres"), nil); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"ready now, would not wait", "not ready now, would wait"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("the log must hold once %q:\n%s", want, log)
		}
	}
}
