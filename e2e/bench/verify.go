package main

import (
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

// verify measures one look at a mounted certificate: chain, key, name, expiry.
func (b *bench) verify() (table, error) {
	dir, err := os.MkdirTemp("", "initbox-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := writeTLS(dir); err != nil {
		return nil, err
	}
	script := contender{"sh -c 'openssl verify …; openssl x509 -checkend …; two digests'", []string{"sh", "-c", "cd " + dir + "\n" + openSSLScript}}
	initbox := contender{"initbox verify-cert …", []string{b.initbox, "verify-cert", "--dns-name", "app.test", "--min-validity", "168h", dir}}
	all := []contender{script, initbox}
	wall, err := b.wallTimes(all)
	if err != nil {
		return nil, err
	}
	var rss []int64
	for range max(b.costRuns/10, 3) {
		peak, err := peakRSS(initbox)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", initbox.name, err)
		}
		rss = append(rss, peak)
	}
	t := table{{"", "`" + script.name + "`", "`" + initbox.name + "`", "ratio", "target", ""}}
	theirs, ours, peak := percentile(wall[0], 50), percentile(wall[1], 50), percentile(rss, 50)
	ratio := float64(ours) / float64(theirs)
	t.add("wall time, median", ms(theirs), ms(ours), fmt.Sprintf("%.3f", ratio), "≤ 0.1x", mark(ratio <= 0.1))
	t.add("wall time, p10 to p90", spread(wall[0]), spread(wall[1]), "", "", "")
	t.add("peak RSS, median", "", mb(peak), "", "≤ 12 MB", mark(peak <= 12e6))
	return t, nil
}

// writeTLS fills dir as a kubernetes.io/tls mount: a root, an intermediate, a leaf.
func writeTLS(dir string) error {
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
