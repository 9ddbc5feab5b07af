package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// openSSLScript is how people check a mounted certificate.
const openSSLScript = `set -e
openssl verify -CAfile ca.crt -untrusted tls.crt -verify_hostname app.test tls.crt >/dev/null
openssl x509 -in tls.crt -noout -checkend 604800 >/dev/null
of_cert=$(openssl x509 -in tls.crt -noout -pubkey | openssl sha256)
of_key=$(openssl pkey -in tls.key -pubout | openssl sha256)
test "$of_cert" = "$of_key"`

// manyCertificates is how many mounts one process verifies.
const manyCertificates = 1000

// verify measures the check of one mounted certificate (chain, key, name and expiry),
// and of many.
func (b *bench) verify(ctx context.Context) (rows []row, err error) {
	tb := new(helper)
	defer tb.cleanup(&err)
	root := tb.folder()
	one, many := filepath.Join(root, "one"), filepath.Join(root, "many")
	n := b.pick(manyCertificates, 10)
	for i := range n + 1 {
		dir := one
		if i > 0 {
			dir = filepath.Join(many, fmt.Sprintf("%04d", i))
		}
		if err := writeTLS(tb, dir); err != nil {
			return nil, err
		}
	}
	const script = "sh: openssl verify, -checkend, two digests"
	compare := func(what, dirs string, rounds int) comparison {
		line := "for dir in " + dirs + "; do (\ncd $dir\n" + openSSLScript + "\n) || exit 1; done"
		return comparison{
			what: what, rounds: rounds,
			metrics: []metric{
				{name: "wall", of: wall, unit: seconds, targets: []target{{0.1, script}}},
				{name: "peak RSS", of: peak, unit: megabytes},
			},
			contenders: []contender{
				command("initbox verify-cert", weigh, b.initbox, "verify-cert", "--dns-name", "app.test", "--min-validity", "168h", dirs),
				command(script, weigh, "sh", "-c", line),
			},
		}
	}
	return measured(ctx,
		compare("verify-cert, one directory", one, b.pick(100, 2)),
		compare(fmt.Sprintf("verify-cert, %d directories in one process", n), many+"/*", b.pick(2, 1)))
}

// writeTLS makes dir like the mount of a kubernetes.io/tls Secret: a root, an intermediate, a leaf for app.test.
func writeTLS(tb *helper, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root := testpki.Root(tb, "Root")
	intermediate := testpki.New(tb, "Intermediate", root, testpki.CA)
	leaf := testpki.Leaf(tb, intermediate)
	for name, data := range map[string][]byte{
		"ca.crt":  testpki.PEM(root),
		"tls.crt": testpki.PEM(leaf, intermediate),
		"tls.key": testpki.KeyPEM(tb, leaf),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
