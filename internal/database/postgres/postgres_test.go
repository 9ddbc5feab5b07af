//go:build integration

package postgres

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

func TestPostgresLogsIn(t *testing.T) {
	p := servers.Postgres(t)
	name := p.NewDatabase(t)
	password := testdialect.AllCharacters()
	p.SQL(t, name, "CREATE ROLE app LOGIN PASSWORD '"+strings.ReplaceAll(password, "'", "''")+"'")
	t.Cleanup(func() { p.SQL(t, "postgres", "DROP ROLE app") })
	parts := database.Options{Driver: "postgres", Host: "127.0.0.1", Port: testdialect.Port(t, p.Port), User: "app", Name: name}
	with := func(change func(*database.Options)) database.Options { o := parts; change(&o); return o }
	text := "postgres://" + url.UserPassword("app", password).String() + "@" + p.Addr() + "/" + name
	none := func(string) (string, bool) { return "", false }
	for what, o := range map[string]database.Options{
		"URL":                 {URL: text},
		"URL in a file":       {URLFile: testdialect.SecretFile(t, text+"\n")},
		"DATABASE_URL":        {LookupEnv: func(name string) (string, bool) { return text, name == "DATABASE_URL" }},
		"parts":               with(func(o *database.Options) { o.PasswordFile = testdialect.SecretFile(t, password+"\n") }),
		"parts without files": with(func(o *database.Options) { o.Password, o.LookupEnv = password, none }),
		"parts over a URL":    with(func(o *database.Options) { o.Password, o.URL = password, "postgres://x:y@nosuch:1/z" }),
		"socket":              with(func(o *database.Options) { o.Password, o.Host = password, p.Dir }),
		"socket in the URL":   {URL: "postgres:///" + name + "?port=" + p.Port + "&host=" + url.QueryEscape(p.Dir), User: "app", Password: password},
		"several hosts":       {URL: "postgres://127.0.0.1:1," + p.Addr() + "/" + name, User: "app", Password: password},
	} {
		if err := kit.Ask(t, o, password); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	t.Setenv("PGHOST", "127.0.0.1")
	t.Setenv("PGPORT", p.Port)
	t.Setenv("PGUSER", "app")
	t.Setenv("PGPASSWORD", password)
	t.Setenv("PGDATABASE", name)
	t.Setenv("PGSSLMODE", "disable")
	if err := kit.Ask(t, database.Options{Driver: "postgres"}, password); err != nil {
		t.Errorf("PG variables: %v", err)
	}
	if err := kit.Ask(t, database.Options{URL: "postgres:///" + name}, password); err != nil {
		t.Errorf("PG variables below a URL: %v", err)
	}
	t.Setenv("PGSSLMODE", "nonsense")
	_, err := kit.Options(database.Options{Driver: "postgres"}).Target(t.Context(), testdialect.Env())
	testdialect.Want(t, err, fault.Usage, "sslmode is invalid")
	testdialect.NoSecrets(t, err.Error(), []string{password})
}

func TestPostgresRefuses(t *testing.T) {
	p := servers.Postgres(t)
	name := p.NewDatabase(t)
	p.SQL(t, name, "CREATE ROLE nologin PASSWORD 'nologin-secret'; CREATE ROLE one LOGIN PASSWORD 'one-secret' CONNECTION LIMIT 0")
	t.Cleanup(func() { p.SQL(t, "postgres", "DROP ROLE nologin; DROP ROLE one") })
	at := func(user, password string) database.Options {
		return database.Options{URL: p.URL(name), User: user, Password: password}
	}
	testdialect.Want(t, kit.Ask(t, at(testdb.Admin, "wrong-secret")), fault.Final, "password authentication failed for user \"admin\" (SQLSTATE 28P01)")
	testdialect.Want(t, kit.Ask(t, at("nobody-here", "wrong-secret")), fault.Final, "28P01")
	testdialect.Want(t, kit.Ask(t, at("nologin", "nologin-secret")), fault.Final, "not permitted to log in")
	testdialect.Want(t, kit.Ask(t, at("one", "one-secret")), fault.Failed, "too many connections for role")
	testdialect.Want(t, kit.Ask(t, database.Options{URL: p.URL("nosuch")}), fault.Final, `database "nosuch" does not exist`)
	testdialect.Want(t, kit.Ask(t, database.Options{URL: p.URL(name), TLS: "require"}), fault.Final, "the server has no TLS")
	err := kit.Ask(t, database.Options{URL: "postgres://admin@" + p.Addr() + "/postgres"})
	testdialect.Want(t, err, fault.Final, "28P01")
	if next := fault.NextOf(err); !strings.Contains(next, "no password was given") {
		t.Errorf("next: %s", next)
	}
}

func TestPostgresConnection(t *testing.T) {
	p := servers.Postgres(t)
	target, _ := kit.Target(t, database.Options{URL: p.URL("postgres")})
	conn, err := target.Client.(*Client).Connect(t.Context(), func(c *pgconn.Config) { c.RuntimeParams["search_path"] = "elsewhere" })
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	r := conn.ExecParams(t.Context(), "SELECT current_setting('application_name'), current_setting('search_path')", nil, nil, nil, nil).Read()
	if r.Err != nil || string(r.Rows[0][0]) != testdialect.Pod || string(r.Rows[0][1]) != "elsewhere" {
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
	target, env := kit.Target(t, database.Options{URL: u.String(), Resolver: dns.Resolver()})

	_, err := target.First(t.Context(), "")
	testdialect.Want(t, err, fault.Failed, "the name db.test does not resolve")
	dns.Set("db.test", "127.0.0.1")
	starts := func(try func(context.Context) error) {
		t.Helper()
		testdialect.Eventually(t, "57P03", func() bool {
			err = try(t.Context())
			return err != nil && strings.Contains(err.Error(), "57P03")
		})
		testdialect.Want(t, err, fault.Failed, "PostgreSQL says: the database system is ")
	}
	starts(func(ctx context.Context) error { _, err := target.First(ctx, ""); return err })
	starts(target.Greet)

	time.AfterFunc(200*time.Millisecond, func() { p.Promote(t) })
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	conn, err := database.Connect(ctx, env, target, func(ctx context.Context) (*pgconn.PgConn, error) { return target.Client.(*Client).Connect(ctx) })
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Greet(ctx); err != nil {
		t.Error(err)
	}
	p.Kill(t)
	testdialect.Eventually(t, "the connection is lost", func() bool { // its server process notices a moment later
		_, err = conn.Exec(ctx, "SELECT 1").ReadAll()
		return target.Lost(err)
	})
	if err = target.Explain(ctx, err); fault.Permanent(err) || fault.NextOf(err) == "" {
		t.Errorf("got %v, next %q", err, fault.NextOf(err))
	}
	testdialect.Eventually(t, "the port is closed", func() bool {
		_, err = target.First(ctx, "")
		return err != nil && strings.Contains(err.Error(), "connection refused by 127.0.0.1:"+p.Port)
	})
	testdialect.Want(t, err, fault.Failed, "connection refused")
}

func TestConnectEnds(t *testing.T) {
	p := servers.Postgres(t)
	target, env := kit.Target(t, database.Options{URL: p.URL("nosuch")})
	open := func(ctx context.Context) (*pgconn.PgConn, error) { return target.Client.(*Client).Connect(ctx) }
	_, err := database.Connect(t.Context(), env, target, open)
	testdialect.Want(t, err, fault.Final, target.Name+`: PostgreSQL says: database "nosuch" does not exist`)

	closed, env := kit.Target(t, database.Options{URL: "postgres://" + testnet.Closed(t) + "/x"})
	testdialect.WantInTime(t, func(ctx context.Context) error {
		_, err := database.Connect(ctx, env, closed, func(ctx context.Context) (*pgconn.PgConn, error) { return closed.Client.(*Client).Connect(ctx) })
		return err
	}, "connection refused")
	env.DryRun = true
	_, err = database.Connect(t.Context(), env, closed, func(ctx context.Context) (*pgconn.PgConn, error) { return closed.Client.(*Client).Connect(ctx) })
	testdialect.Want(t, err, fault.Failed, "connection refused")
}

// Servers that do not answer like a database.
func TestPostgresStrangers(t *testing.T) {
	reset, _ := kit.Target(t, database.Options{URL: "postgres://" + testnet.Reset(t) + "/x?sslmode=disable"})
	silent, _ := kit.Target(t, database.Options{URL: "postgres://" + testnet.Open(t) + "/x?sslmode=disable"})
	for _, probe := range []func(*database.Target, context.Context) error{
		func(target *database.Target, ctx context.Context) error { _, err := target.First(ctx, ""); return err },
		(*database.Target).Greet,
	} {
		testdialect.Want(t, probe(reset, t.Context()), fault.Failed, "closed ")
		testdialect.WantInTime(t, func(ctx context.Context) error { return probe(silent, ctx) }, "accepts the connection but does not answer in time")
	}
}

func TestPostgresGreets(t *testing.T) {
	p := servers.Postgres(t)
	for _, u := range []string{p.URL("nosuch"), "postgres://" + p.Addr(), "postgres:///x?host=" + url.QueryEscape(p.Dir) + "&port=" + p.Port} {
		target, _ := kit.Target(t, database.Options{URL: u})
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
