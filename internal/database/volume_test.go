package database_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	mysqldriver "github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/mysql"
	"github.com/initbox/initbox/internal/database/postgres"
	"github.com/initbox/initbox/internal/testkit/testdialect"
	"github.com/initbox/initbox/internal/testkit/testvolume"
)

// Kubelet replaces the certificate again and again, each time with its key and CA. A
// connection uses files of one version, whichever source names the files and
// whichever code reads them.
func TestTLSFilesAreOfOneVersion(t *testing.T) {
	var versions [2]map[string]string
	for i, name := range []string{"one", "another"} {
		ca := newCA(t, name)
		client := ca.issue(t, time.Now().Add(time.Hour), name)
		versions[i] = map[string]string{"ca.crt": string(ca.pem), "tls.crt": string(client.cert), "tls.key": string(client.key)}
	}
	v, swaps := testvolume.Churn(t, func(n int) map[string]string { return versions[n%2] })
	ca, cert, key := v.Dir+"/ca.crt", v.Dir+"/tls.crt", v.Dir+"/tls.key"
	query := "?sslmode=verify-full&sslrootcert=" + ca + "&sslcert=" + cert + "&sslkey=" + key
	variables := map[string]string{"PGSSLMODE": "verify-full", "PGSSLROOTCERT": ca, "PGSSLCERT": cert, "PGSSLKEY": key}
	for name, c := range map[string]struct {
		options   database.Options
		variables map[string]string
	}{
		"postgres, flags":     {options: database.Options{Driver: "postgres", Host: "db", CA: ca, Cert: cert, Key: key}},
		"postgres, URL":       {options: database.Options{URL: "postgres://me@db/app" + query}},
		"postgres, variables": {options: database.Options{Driver: "postgres", Host: "db"}, variables: variables},
		"mysql, flags":        {options: database.Options{Driver: "mysql", Host: "db", CA: ca, Cert: cert, Key: key}},
		"mysql, URL":          {options: database.Options{URL: "mysql://me@db/app" + query}},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.variables {
				t.Setenv(name, value) // for pgconn
			}
			c.options.LookupEnv = lookup(c.variables)
			for reads, end := 0, swaps.Load()+200; swaps.Load() < end || reads < 50; reads++ {
				target, err := kit.Options(c.options).Target(t.Context(), testdialect.Env())
				if err != nil {
					t.Fatal(err)
				}
				config := tlsOf(t, target)
				usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
				if _, err := config.Certificates[0].Leaf.Verify(x509.VerifyOptions{Roots: config.RootCAs, KeyUsages: usage}); err != nil {
					t.Fatal("a mix of versions: ", err)
				}
			}
		})
	}
}

// tlsOf returns the configuration that target would connect with.
func tlsOf(t *testing.T, target *database.Target) (config *tls.Config) {
	t.Helper()
	var err error
	switch client := target.Client.(type) {
	case *postgres.Client:
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		_, err = client.Connect(ended, func(c *pgconn.Config) { config = c.TLSConfig })
		if errors.Is(err, context.Canceled) {
			err = nil
		}
	case *mysql.Client:
		_, err = client.Open(func(c *mysqldriver.Config) { config = c.TLS })
	}
	if err != nil || config == nil {
		t.Fatal("no configuration of TLS: ", err)
	}
	return config
}
