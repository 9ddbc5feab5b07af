//go:build integration

package database_test

import (
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
)

// A tlsServer is a database that speaks TLS with certificates of the test.
type tlsServer struct {
	options database.Options       // a login with a password; without TLS flags
	certs   database.Options       // the login of a user who needs a client certificate
	present func(*testing.T, pair) // makes the server use another certificate
}

func postgresTLS(t *testing.T, clients *ca, first pair) *tlsServer {
	t.Helper()
	p := testdb.StartPostgres(t, &testdb.PostgresSetup{
		Settings: []string{"ssl=on", "ssl_ca_file=ca.crt"},
		HBA:      []string{"hostssl all certain 127.0.0.1/32 cert", "hostnossl all encrypted 127.0.0.1/32 reject"},
		Files:    map[string][]byte{"server.crt": first.cert, "server.key": first.key, "ca.crt": clients.pem},
	})
	p.SQL(t, "postgres", "CREATE ROLE certain LOGIN; CREATE ROLE encrypted LOGIN PASSWORD 'encrypted-secret'")
	return &tlsServer{
		options: database.Options{Driver: "postgres", User: "encrypted", Password: "encrypted-secret", Name: "postgres", Port: testdialect.Port(t, p.Port)},
		certs:   database.Options{Driver: "postgres", User: "certain", Name: "postgres", Port: testdialect.Port(t, p.Port)},
		present: func(t *testing.T, c pair) {
			p.WriteFile(t, "data/server.crt", c.cert)
			p.WriteFile(t, "data/server.key", c.key)
			p.SQL(t, "postgres", "SELECT pg_reload_conf()")
		},
	}
}

func mysqlTLS(t *testing.T, clients *ca, first pair) *tlsServer {
	t.Helper()
	m := testdb.StartMySQL(t, &testdb.MySQLSetup{
		Args:  []string{"--ssl-cert=$DIR/server.crt", "--ssl-key=$DIR/server.key", "--ssl-ca=$DIR/ca.crt"},
		Files: map[string][]byte{"server.crt": first.cert, "server.key": first.key, "ca.crt": clients.pem},
	})
	m.SQL(t, "", "CREATE USER certain@'%' REQUIRE X509; CREATE USER encrypted@'%' IDENTIFIED BY 'encrypted-secret' REQUIRE SSL")
	return &tlsServer{
		options: database.Options{Driver: "mysql", User: "encrypted", Password: "encrypted-secret", Port: testdialect.Port(t, m.Port)},
		certs:   database.Options{Driver: "mysql", User: "certain", Port: testdialect.Port(t, m.Port)},
		present: func(t *testing.T, c pair) {
			m.WriteFile(t, "server.crt", c.cert)
			m.WriteFile(t, "server.key", c.key)
			m.SQL(t, "", "FLUSH SSL")
		},
	}
}

func TestTLS(t *testing.T) {
	ours, other := newCA(t, "our CA"), newCA(t, "another CA")
	caFile, otherFile := testdialect.SecretFile(t, string(ours.pem)), testdialect.SecretFile(t, string(other.pem))
	tomorrow := time.Now().Add(24 * time.Hour)
	good := ours.issue(t, tomorrow, "db.test", "127.0.0.1")
	client, stranger := ours.issue(t, tomorrow, "certain"), other.issue(t, tomorrow, "certain")
	dns := testnet.NewDNS(t)
	dns.Set("db.test", "127.0.0.1")
	dns.Set("wrong.test", "127.0.0.1")
	for name, start := range map[string]func(*testing.T, *ca, pair) *tlsServer{"postgres": postgresTLS, "mysql": mysqlTLS} {
		t.Run(name, func(t *testing.T) {
			s := start(t, ours, good)
			login := func(o database.Options, change ...string) error {
				o.Host, o.Resolver = "db.test", dns.Resolver()
				for _, c := range change {
					flag, value, _ := strings.Cut(c, "=")
					*map[string]*string{"host": &o.Host, "tls": &o.TLS, "ca": &o.CA, "name": &o.ServerName, "cert": &o.Cert, "key": &o.Key}[flag] = value
				}
				return kit.Ask(t, o)
			}
			for _, flags := range [][]string{
				{}, {"tls=prefer"}, {"tls=require"}, {"ca=" + caFile}, {"ca=" + caFile, "tls=verify-ca", "host=wrong.test"},
				{"ca=" + caFile, "host=127.0.0.1"}, {"ca=" + caFile, "host=wrong.test", "name=db.test"},
			} {
				if err := login(s.options, flags...); err != nil {
					t.Errorf("%v: %v (%s)", flags, err, fault.NextOf(err))
				}
			}
			testdialect.Want(t, login(s.options, "tls=disable"), fault.Final, map[string]string{"postgres": "no encryption", "mysql": "Access denied"}[name])
			testdialect.Want(t, login(s.options, "tls=verify-full"), fault.Final, "is signed by CN=our CA, not by a CA that is trusted here")
			testdialect.Want(t, login(s.options, "ca="+otherFile), fault.Final, "is signed by CN=our CA, not by a CA that is trusted here")
			testdialect.Want(t, login(s.options, "ca="+otherFile, "tls=verify-ca"), fault.Final, "is signed by CN=our CA, not by a CA that is trusted here")
			testdialect.Want(t, login(s.options, "ca="+caFile, "host=wrong.test"), fault.Final, "the server's certificate is for db.test, 127.0.0.1, not for wrong.test")

			withCert := func(p pair) []string {
				return []string{"ca=" + caFile, "cert=" + testdialect.SecretFile(t, string(p.cert)), "key=" + testdialect.SecretFile(t, string(p.key))}
			}
			if err := login(s.certs, withCert(client)...); err != nil {
				t.Errorf("with a client certificate: %v", err)
			}
			testdialect.Want(t, login(s.certs, withCert(stranger)...), fault.Final, "")
			testdialect.Want(t, login(s.certs, "ca="+caFile), fault.Final, "")

			presents := func(c pair, words string) {
				t.Helper()
				s.present(t, c)
				var err error
				testdialect.Eventually(t, words, func() bool {
					err = login(s.options, "ca="+caFile)
					return err != nil && strings.Contains(err.Error(), words)
				})
				testdialect.Want(t, err, fault.Final, words)
			}
			presents(ours.issue(t, time.Now().Add(-time.Hour), "db.test"), "the server's certificate expired on "+time.Now().Add(-time.Hour).UTC().Format("2006-01-02"))
			presents(ours.issue(t, time.Now().Add(96*time.Hour), "db.test"), "is not valid before")
			presents((*ca)(nil).issue(t, tomorrow, "db.test"), "is signed by itself (CN=db.test), not by a CA that is trusted here")
		})
	}
}

func TestTLSFiles(t *testing.T) {
	none, empty := "/nosuch/ca.crt", testdialect.SecretFile(t, "nothing")
	for _, driver := range []string{"postgres", "mysql"} {
		_, err := kit.Options(database.Options{Driver: driver, Host: "db", CA: none}).Target(t.Context(), testdialect.Env())
		testdialect.Want(t, err, fault.Usage, "--db-ca "+none+": there is no such file")
		_, err = kit.Options(database.Options{Driver: driver, Host: "db", CA: empty}).Target(t.Context(), testdialect.Env())
		testdialect.Want(t, err, fault.Usage, "")
		_, err = kit.Options(database.Options{Driver: driver, Host: "db", Cert: empty, Key: empty}).Target(t.Context(), testdialect.Env())
		testdialect.Want(t, err, fault.Usage, "")
	}
}
