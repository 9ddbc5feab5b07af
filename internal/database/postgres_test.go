//go:build integration

package database

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/tasks"
)

func port(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPostgresLogsIn(t *testing.T) {
	p := servers.Postgres(t)
	name := p.NewDatabase(t)
	password := allCharacters()
	p.SQL(t, name, "CREATE ROLE app LOGIN PASSWORD '"+strings.ReplaceAll(password, "'", "''")+"'")
	t.Cleanup(func() { p.SQL(t, "postgres", "DROP ROLE app") })
	parts := Options{Driver: "postgres", Host: "127.0.0.1", Port: port(t, p.Port), User: "app", Name: name}
	with := func(change func(*Options)) Options { o := parts; change(&o); return o }
	text := "postgres://" + url.UserPassword("app", password).String() + "@" + p.Addr() + "/" + name
	none := func(string) (string, bool) { return "", false }
	for what, o := range map[string]Options{
		"URL":                 {URL: text},
		"URL in a file":       {URLFile: secretFile(t, text+"\n")},
		"DATABASE_URL":        {LookupEnv: func(name string) (string, bool) { return text, name == "DATABASE_URL" }},
		"parts":               with(func(o *Options) { o.PasswordFile = secretFile(t, password+"\n") }),
		"parts without files": with(func(o *Options) { o.Password, o.LookupEnv = password, none }),
		"parts over a URL":    with(func(o *Options) { o.Password, o.URL = password, "postgres://x:y@nosuch:1/z" }),
		"socket":              with(func(o *Options) { o.Password, o.Host = password, p.Dir }),
		"socket in the URL":   {URL: "postgres:///" + name + "?port=" + p.Port + "&host=" + url.QueryEscape(p.Dir), User: "app", Password: password},
		"several hosts":       {URL: "postgres://127.0.0.1:1," + p.Addr() + "/" + name, User: "app", Password: password},
	} {
		if err := ask(t, o, password); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Setenv("PGHOST", "127.0.0.1")
	t.Setenv("PGPORT", p.Port)
	t.Setenv("PGUSER", "app")
	t.Setenv("PGPASSWORD", password)
	t.Setenv("PGDATABASE", name)
	t.Setenv("PGSSLMODE", "disable")
	if err := ask(t, Options{Driver: "postgres"}, password); err != nil {
		t.Errorf("PG variables: %v", err)
	}
	if err := ask(t, Options{URL: "postgres:///" + name}, password); err != nil {
		t.Errorf("PG variables below a URL: %v", err)
	}
	t.Setenv("PGSSLMODE", "nonsense")
	_, err := (&Options{Driver: "postgres"}).Target(envOf(t))
	want(t, err, fault.Usage, "sslmode is invalid")
	noSecrets(t, err.Error(), []string{password})
}

func envOf(t *testing.T) *tasks.Env {
	t.Helper()
	_, env := newTarget(t, Options{Driver: "sqlite", Name: "x"})
	return env
}

func TestPostgresRefuses(t *testing.T) {
	p := servers.Postgres(t)
	name := p.NewDatabase(t)
	p.SQL(t, name, "CREATE ROLE nologin PASSWORD 'nologin-secret'; CREATE ROLE one LOGIN PASSWORD 'one-secret' CONNECTION LIMIT 0")
	t.Cleanup(func() { p.SQL(t, "postgres", "DROP ROLE nologin; DROP ROLE one") })
	at := func(user, password string) Options {
		return Options{URL: p.URL(name), User: user, Password: password}
	}
	want(t, ask(t, at(testdb.Admin, "wrong-secret")), fault.Final, "password authentication failed for user \"admin\" (SQLSTATE 28P01)")
	want(t, ask(t, at("nobody-here", "wrong-secret")), fault.Final, "28P01")
	want(t, ask(t, at("nologin", "nologin-secret")), fault.Final, "not permitted to log in")
	want(t, ask(t, at("one", "one-secret")), fault.Failed, "too many connections for role")
	want(t, ask(t, Options{URL: p.URL("nosuch")}), fault.Final, `database "nosuch" does not exist`)
	want(t, ask(t, Options{URL: p.URL(name), TLS: "require"}), fault.Final, "the server has no TLS")
	err := ask(t, Options{URL: "postgres://admin@" + p.Addr() + "/postgres"})
	want(t, err, fault.Final, "28P01")
	if next := fault.NextOf(err); !strings.Contains(next, "no password was given") {
		t.Errorf("next: %s", next)
	}
}

func TestPostgresConnection(t *testing.T) {
	p := servers.Postgres(t)
	target, _ := newTarget(t, Options{URL: p.URL("postgres")})
	host, _ := os.Hostname()
	conn, err := target.Postgres(t.Context(), func(c *pgconn.Config) { c.RuntimeParams["search_path"] = "elsewhere" })
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	r := conn.ExecParams(t.Context(), "SELECT current_setting('application_name'), current_setting('search_path')", nil, nil, nil, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != host || string(r.Rows[0][1]) != "elsewhere" {
		t.Errorf("got %q, %v", r.Rows, r.Err)
	}
	if want := "postgres://" + p.Addr() + "/postgres as admin"; target.Name != want {
		t.Errorf("the name is %q, want %q", target.Name, want)
	}
}

// Connect waits for the name, the server and a free connection.
func TestConnectWaits(t *testing.T) {
	p := testdb.LaunchPostgres(t, &testdb.PostgresSetup{Settings: []string{"hot_standby=off"}, Files: map[string][]byte{"standby.signal": nil}})
	dns := testnet.NewDNS(t)
	u, _ := url.Parse(p.URL("postgres"))
	u.Host = "db.test:" + p.Port
	target, env := newTarget(t, Options{URL: u.String(), Resolver: dns.Resolver()})

	_, err := target.First(t.Context(), "")
	want(t, err, fault.Failed, "the name db.test does not resolve")
	dns.Set("db.test", "127.0.0.1")
	starts := func(try func(context.Context) error) {
		t.Helper()
		eventually(t, "57P03", func() bool {
			err = try(t.Context())
			return err != nil && strings.Contains(err.Error(), "57P03")
		})
		want(t, err, fault.Failed, "PostgreSQL says: the database system is ")
	}
	starts(func(ctx context.Context) error { _, err := target.First(ctx, ""); return err })
	starts(target.Greet)

	time.AfterFunc(200*time.Millisecond, func() { p.Promote(t) })
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	conn, err := Connect(ctx, env, target, func(ctx context.Context) (*pgconn.PgConn, error) { return target.Postgres(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Greet(ctx); err != nil {
		t.Error(err)
	}
	p.Kill(t)
	eventually(t, "the connection is lost", func() bool { // its server process notices a moment later
		_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
		return Lost(err)
	})
	if err = target.Explain(err); fault.Permanent(err) || fault.NextOf(err) == "" {
		t.Errorf("got %v, next %q", err, fault.NextOf(err))
	}
	eventually(t, "the port is closed", func() bool {
		_, err = target.First(ctx, "")
		return err != nil && strings.Contains(err.Error(), "connection refused by 127.0.0.1:"+p.Port)
	})
	want(t, err, fault.Failed, "connection refused")
}

func TestConnectEnds(t *testing.T) {
	p := servers.Postgres(t)
	target, env := newTarget(t, Options{URL: p.URL("nosuch")})
	open := func(ctx context.Context) (*pgconn.PgConn, error) { return target.Postgres(ctx) }
	_, err := Connect(t.Context(), env, target, open)
	want(t, err, fault.Final, target.Name+`: PostgreSQL says: database "nosuch" does not exist`)

	closed, env := newTarget(t, Options{URL: "postgres://" + testnet.Closed(t) + "/x"})
	wantInTime(t, func(ctx context.Context) error {
		_, err := Connect(ctx, env, closed, func(ctx context.Context) (*pgconn.PgConn, error) { return closed.Postgres(ctx) })
		return err
	}, "connection refused")
	env.DryRun = true
	_, err = Connect(t.Context(), env, closed, func(ctx context.Context) (*pgconn.PgConn, error) { return closed.Postgres(ctx) })
	want(t, err, fault.Failed, "connection refused")
}

// What answers as no database does.
func TestPostgresStrangers(t *testing.T) {
	reset, _ := newTarget(t, Options{URL: "postgres://" + testnet.Reset(t) + "/x?sslmode=disable"})
	silent, _ := newTarget(t, Options{URL: "postgres://" + testnet.Open(t) + "/x?sslmode=disable"})
	for _, probe := range []func(*Target, context.Context) error{
		func(target *Target, ctx context.Context) error { _, err := target.First(ctx, ""); return err },
		(*Target).Greet,
	} {
		want(t, probe(reset, t.Context()), fault.Failed, "closed ")
		wantInTime(t, func(ctx context.Context) error { return probe(silent, ctx) }, "accepts the connection but does not answer in time")
	}
}

func TestPostgresGreets(t *testing.T) {
	p := servers.Postgres(t)
	for _, u := range []string{p.URL("nosuch"), "postgres://" + p.Addr(), "postgres:///x?host=" + url.QueryEscape(p.Dir) + "&port=" + p.Port} {
		target, _ := newTarget(t, Options{URL: u})
		for range 5 {
			if err := target.Greet(t.Context()); err != nil {
				t.Errorf("%s: %v", u, err)
			}
		}
	}
	if log := p.Log(); strings.Contains(log, "incomplete startup packet") {
		t.Errorf("the server complains:\n%s", log)
	}
}
