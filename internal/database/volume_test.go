package database

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testvolume"
)

// Kubelet brings one certificate after the other, each with the key and the CA
// that belong to it. What is connected with is of one version, whoever names the
// files and whoever reads them.
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
		options   Options
		variables map[string]string
	}{
		"postgres, flags":     {options: Options{Driver: "postgres", Host: "db", CA: ca, Cert: cert, Key: key}},
		"postgres, URL":       {options: Options{URL: "postgres://me@db/app" + query}},
		"postgres, variables": {options: Options{Driver: "postgres", Host: "db"}, variables: variables},
		"mysql, flags":        {options: Options{Driver: "mysql", Host: "db", CA: ca, Cert: cert, Key: key}},
		"mysql, URL":          {options: Options{URL: "mysql://me@db/app" + query}},
	} {
		t.Run(name, func(t *testing.T) {
			for name, value := range c.variables {
				t.Setenv(name, value)
			}
			for reads, end := 0, swaps.Load()+200; swaps.Load() < end || reads < 50; reads++ {
				target, err := c.options.Target(t.Context(), envOf(t))
				if err != nil {
					t.Fatal(err)
				}
				config := (*tls.Config)(nil)
				if target.Driver == Postgres {
					config = target.postgres.TLSConfig
				} else {
					config = target.mysql.TLS
				}
				usage := []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
				if _, err := config.Certificates[0].Leaf.Verify(x509.VerifyOptions{Roots: config.RootCAs, KeyUsages: usage}); err != nil {
					t.Fatal("a mix of versions: ", err)
				}
			}
		})
	}
}
