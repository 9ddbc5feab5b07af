package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"time"
)

// openSSLScript is what people check a mounted certificate with.
const openSSLScript = `set -e
openssl verify -CAfile ca.crt -untrusted tls.crt -verify_hostname app.test tls.crt >/dev/null
openssl x509 -in tls.crt -noout -checkend 604800 >/dev/null
of_cert=$(openssl x509 -in tls.crt -noout -pubkey | openssl sha256)
of_key=$(openssl pkey -in tls.key -pubout | openssl sha256)
test "$of_cert" = "$of_key"`

// manyCertificates is how many mounts one process verifies.
const manyCertificates = 1000

// verify measures a look at one mounted certificate, chain, key, name and expiry, and
// at many of them.
func (b *bench) verify(ctx context.Context) ([]row, error) {
	root, remove, err := temporary("")
	if err != nil {
		return nil, err
	}
	defer remove()
	one, many := filepath.Join(root, "one"), filepath.Join(root, "many")
	n := b.pick(manyCertificates, 10)
	for i := range n + 1 {
		dir := one
		if i > 0 {
			dir = filepath.Join(many, fmt.Sprintf("%04d", i))
		}
		if err := writeTLS(dir); err != nil {
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

// writeTLS makes dir as a kubernetes.io/tls mount: a root, an intermediate, a leaf.
func writeTLS(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var issuer *x509.Certificate
	var issuerKey *ecdsa.PrivateKey
	ders := make([][]byte, 3)
	for i, name := range []string{"Root", "Intermediate", "app.test"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		tpl := &x509.Certificate{
			SerialNumber: big.NewInt(int64(i + 1)), Subject: pkix.Name{CommonName: name}, BasicConstraintsValid: true,
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
			IsCA: i < 2, KeyUsage: x509.KeyUsageCertSign,
		}
		if i == 2 {
			tpl.KeyUsage, tpl.DNSNames = x509.KeyUsageDigitalSignature, []string{name}
		}
		if issuer == nil {
			issuer, issuerKey = tpl, key
		}
		if ders[i], err = x509.CreateCertificate(rand.Reader, tpl, issuer, &key.PublicKey, issuerKey); err != nil {
			return err
		}
		if issuer, err = x509.ParseCertificate(ders[i]); err != nil {
			return err
		}
		issuerKey = key
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(issuerKey)
	if err != nil {
		return err
	}
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	for name, data := range map[string][]byte{
		"ca.crt":  block("CERTIFICATE", ders[0]),
		"tls.crt": append(block("CERTIFICATE", ders[2]), block("CERTIFICATE", ders[1])...),
		"tls.key": block("PRIVATE KEY", keyDER),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return err
		}
	}
	return nil
}
