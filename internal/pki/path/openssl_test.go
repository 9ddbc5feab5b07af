//go:build integration

package path_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// openSSLAccepts is the verdict of openssl verify -x509_strict.
func openSSLAccepts(t *testing.T, c chain) error {
	t.Helper()
	dir := t.TempDir()
	file := func(name string, cs ...*testpki.Cert) string {
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, testpki.PEM(cs...), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	args := []string{"verify", "-x509_strict", "-no-CApath", "-no-CAstore", "-CAfile", file("ca", c.roots...)}
	if len(c.inters) > 0 {
		args = append(args, "-untrusted", file("inter", c.inters...))
	}
	var out bytes.Buffer
	cmd := exec.Command("openssl", append(args, file("leaf", c.leaf))...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		if _, ok := err.(*exec.ExitError); !ok {
			t.Fatalf("%v (Debian's package openssl has it)", err)
		}
		return fmt.Errorf("%s", strings.Join(strings.Fields(out.String()), " "))
	}
	return nil
}

func TestDifferencesFromOpenSSL(t *testing.T) {
	for _, c := range differences(t) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			if err := openSSLAccepts(t, c.chain); (err == nil) != c.sslOK {
				t.Errorf("openssl: %v, want accepted %v", err, c.sslOK)
			}
		})
	}
}
