//go:build integration

package mysql

import (
	"context"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
)

func quoteMySQL(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(s) + "'"
}

func TestMySQLLogsIn(t *testing.T) {
	m := servers.MySQL(t)
	name := m.NewDatabase(t)
	password := testdialect.AllCharacters()
	m.SQL(t, "", "CREATE USER app@'%' IDENTIFIED BY "+quoteMySQL(password)+"; GRANT ALL ON "+name+".* TO app@'%'")
	t.Cleanup(func() { m.SQL(t, "", "DROP USER app@'%'") })
	parts := database.Options{Driver: "mysql", Host: "127.0.0.1", Port: testdialect.Port(t, m.Port), User: "app", Name: name}
	with := func(change func(*database.Options)) database.Options { o := parts; change(&o); return o }
	user := url.UserPassword("app", password).String()
	for what, o := range map[string]database.Options{
		"URL":                   {URL: "mysql://" + user + "@" + m.Addr() + "/" + name},
		"golang-migrate's form": {URL: "mysql://app:" + url.QueryEscape(password) + "@tcp(" + m.Addr() + ")/" + name + "?x-no-lock=true&multiStatements=true"},
		"socket":                {URL: "mysql://app:" + url.QueryEscape(password) + "@unix(" + m.Socket + ")/" + name},
		"socket in the URL":     {URL: "mysql://" + user + "@localhost/" + name + "?socket=" + url.QueryEscape(m.Socket)},
		"parts":                 with(func(o *database.Options) { o.PasswordFile = testdialect.SecretFile(t, password+"\n") }),
		"socket in parts":       with(func(o *database.Options) { o.Password, o.Host, o.Port = password, m.Socket, 0 }),
		"tls=preferred":         with(func(o *database.Options) { o.Password, o.Params = password, []string{"tls=preferred", "timeout=5s"} }),
	} {
		if err := kit.Ask(t, o, password); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestMySQLRefuses(t *testing.T) {
	m := servers.MySQL(t)
	name := m.NewDatabase(t)
	m.SQL(t, "", "CREATE USER poor@'%' IDENTIFIED BY 'poor-secret'; CREATE USER locked@'%' IDENTIFIED BY 'locked-secret' ACCOUNT LOCK")
	t.Cleanup(func() { m.SQL(t, "", "DROP USER poor@'%', locked@'%'") })
	at := func(user, password string) database.Options {
		return database.Options{URL: m.URL(name), User: user, Password: password}
	}
	testdialect.Want(t, kit.Ask(t, at(testdb.Admin, "wrong-secret")), fault.Final, "Access denied for user 'admin'@'localhost' (using password: YES) (error 1045")
	testdialect.Want(t, kit.Ask(t, at("poor", "poor-secret")), fault.Final, "error 1044")
	testdialect.Want(t, kit.Ask(t, at("locked", "locked-secret")), fault.Final, "this account is locked")
	testdialect.Want(t, kit.Ask(t, database.Options{URL: m.URL("nosuch")}), fault.Final, "Unknown database 'nosuch' (error 1049")
	testdialect.Want(t, kit.Ask(t, database.Options{URL: m.URL(name), TLS: "require"}), fault.Final, "the server has no TLS")
	err := kit.Ask(t, database.Options{URL: "mysql://admin@" + m.Addr() + "/"})
	testdialect.Want(t, err, fault.Final, "using password: NO")
	if next := fault.NextOf(err); !strings.Contains(next, "no password was given") {
		t.Errorf("next: %s", next)
	}
	closed := testnet.Closed(t)
	testdialect.Want(t, kit.Ask(t, database.Options{URL: "mysql://a@" + closed + "/"}), fault.Failed, "connection refused by "+closed)
}

// The error of a statement does not show the statement, not even the part that the
// server repeats.
func TestMySQLHidesStatements(t *testing.T) {
	m := servers.MySQL(t)
	target, _ := kit.Target(t, database.Options{URL: m.URL("")})
	db, err := target.Client.(*Client).Open()
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	_, err = db.ExecContext(t.Context(), "SELECT 1;\nCREATE USER x IDENTIFIED WRONGLY 'statement-secret'")
	err = target.Explain(t.Context(), err)
	testdialect.Want(t, fault.WithNext(err, "x"), fault.Failed, "You have an error in your SQL syntax")
	testdialect.NoSecrets(t, err.Error(), []string{"statement-secret", "SELECT"})
}

func TestMySQLTooMany(t *testing.T) {
	m := testdb.StartMySQL(t, &testdb.MySQLSetup{Args: []string{"--max-connections=10", "--performance-schema=ON"}})
	target, _ := kit.Target(t, database.Options{URL: m.URL("mysql")})
	var open []io.Closer
	for {
		db, err := target.Client.(*Client).Open()
		if err != nil {
			t.Fatal(err)
		}
		conn, err := db.Conn(t.Context())
		if err != nil {
			testdialect.Want(t, err, fault.Failed, "Too many connections (error 1040")
			break
		}
		if len(open) == 0 {
			var pod string
			row := conn.QueryRowContext(t.Context(), "SELECT ATTR_VALUE FROM performance_schema.session_account_connect_attrs WHERE ATTR_NAME = 'pod_name'")
			if err := row.Scan(&pod); err != nil || pod != testdialect.Pod {
				t.Errorf("the connection says that it is from %q, %v", pod, err)
			}
		}
		open = append(open, conn, db)
	}
	testdialect.Want(t, target.Greet(t.Context()), fault.Failed, "error 1040")
	for _, c := range open {
		c.Close()
	}
	testdialect.Eventually(t, "a free connection", func() bool { return target.Greet(t.Context()) == nil })
}

// Incomplete handshakes make the server block the host. Greet completes its own. The
// server does not count those from 127.0.0.1, so the probes come from another address.
func TestGreetIsNoConnectError(t *testing.T) {
	m := testdb.StartMySQL(t, &testdb.MySQLSetup{Args: []string{"--max-connect-errors=3"}})
	from := func(address string) *database.Target {
		proxy := testdb.NewProxy(t, m.Addr(), address)
		target, _ := kit.Target(t, database.Options{URL: m.URL("mysql"), Host: "127.0.0.1", Port: testdialect.Port(t, proxy.Port())})
		return target
	}
	probed, rude := from("127.0.0.7"), from("127.0.0.8")
	for range 20 {
		if err := probed.Greet(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := probed.First(t.Context(), ""); err != nil {
		t.Errorf("a login after the probes: %v", err)
	}
	// A login would reset the server's count, so the test probes with Greet.
	testdialect.Eventually(t, "a host that hangs up is blocked", func() bool {
		err := rude.Converse(t.Context(), rude.Parts.Hosts[0], func(conn net.Conn) error {
			hello, _, err := readPacket(conn)
			if err == nil && hello[0] == packetError {
				err = errorOf(hello)
			}
			return err
		})
		return err != nil && strings.Contains(err.Error(), "blocked")
	})
	const words = "is blocked because of many connection errors"
	testdialect.Want(t, rude.Greet(t.Context()), fault.Failed, words)
	_, err := rude.First(t.Context(), "")
	testdialect.Want(t, err, fault.Failed, words)
	testdialect.Want(t, err, fault.Failed, "(error 1129, SQLSTATE HY000)")
	if _, err := probed.First(t.Context(), ""); err != nil {
		t.Errorf("a login from the other address: %v", err)
	}
}

func TestMySQLStrangers(t *testing.T) {
	reset, _ := kit.Target(t, database.Options{URL: "mysql://a@" + testnet.Reset(t) + "/x"})
	silent, _ := kit.Target(t, database.Options{URL: "mysql://a@" + testnet.Open(t) + "/x"})
	talks := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, talks, func(c net.Conn) { _, _ = c.Write([]byte("220 mail.test ESMTP, at your service\r\n")) })
	mail, _ := kit.Target(t, database.Options{URL: "mysql://a@" + talks.Addr().String() + "/x"})
	for _, probe := range []func(*database.Target, context.Context) error{
		func(target *database.Target, ctx context.Context) error { _, err := target.First(ctx, ""); return err },
		(*database.Target).Greet,
	} {
		testdialect.Want(t, probe(reset, t.Context()), fault.Failed, "closed ")
		testdialect.WantInTime(t, func(ctx context.Context) error { return probe(silent, ctx) }, "accepts the connection but does not answer in time")
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		if err := probe(mail, ctx); err == nil {
			t.Error("a mail server counts as MySQL")
		}
		cancel()
	}
}
