package verifycert

import (
	"bytes"
	"crypto/x509"
	"encoding/asn1"
	"path/filepath"
	"strings"
	"testing"
	"time"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"
	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// A store is a keystore file and the expected result.
type store struct {
	name, password string
	make           func(t *testing.T, m made, password string) []byte
	want           string
	trust          bool // it is a truststore
	noPassword     bool // there is no --password-file
}

func p12(encoder *pkcs12.Encoder) func(*testing.T, made, string) []byte {
	return func(t *testing.T, m made, password string) []byte {
		data, err := encoder.Encode(m.leaf.Key, testpki.X509(t, m.leaf), []*x509.Certificate{testpki.X509(t, m.inter)}, password)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
}

func p12Trust(t *testing.T, m made, password string) []byte {
	data, err := pkcs12.Modern.EncodeTrustStore([]*x509.Certificate{testpki.X509(t, m.root)}, password)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func jksKey(t *testing.T, m made, password string) []byte {
	ks := jks.New(jks.WithCaseExactAliases())
	key, err := x509.MarshalPKCS8PrivateKey(m.leaf.Key)
	if err != nil {
		t.Fatal(err)
	}
	entry := jks.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: key, CertificateChain: []jks.Certificate{
		{Type: "X.509", Content: m.leaf.DER}, {Type: "X.509", Content: m.inter.DER}}}
	if err := ks.SetPrivateKeyEntry("App", entry, []byte(password)); err != nil {
		t.Fatal(err)
	}
	return jksBytes(t, ks, password)
}

func jksTrust(t *testing.T, m made, password string) []byte {
	ks := jks.New(jks.WithCaseExactAliases())
	if err := ks.SetTrustedCertificateEntry("Root", jks.TrustedCertificateEntry{CreationTime: time.Now(), Certificate: jks.Certificate{Type: "X.509", Content: m.root.DER}}); err != nil {
		t.Fatal(err)
	}
	return jksBytes(t, ks, password)
}

func jksBytes(t *testing.T, ks jks.KeyStore, password string) []byte {
	var b bytes.Buffer
	if err := ks.Store(&b, []byte(password)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestKeystores(t *testing.T) {
	bytesOf := func(s string) func(*testing.T, made, string) []byte {
		return func(*testing.T, made, string) []byte { return []byte(s) }
	}
	for _, c := range []store{
		{name: "PKCS#12 of 2023", password: "changeit", make: p12(pkcs12.Modern2023)},
		{name: "PKCS#12 of 2026", password: "changeit", make: p12(pkcs12.Modern2026)},
		{name: "PKCS#12 legacy", password: "changeit", make: p12(pkcs12.LegacyDES)},
		{name: "PKCS#12 RC2", password: "changeit", make: p12(pkcs12.LegacyRC2)},
		{name: "PKCS#12 empty password", make: p12(pkcs12.Modern2023)},
		{name: "PKCS#12 no password file", make: p12(pkcs12.Modern2023), noPassword: true},
		{name: "PKCS#12 without encryption", make: p12(pkcs12.Passwordless), noPassword: true},
		{name: "JKS", password: "changeit", make: jksKey},
		{name: "truststore JKS", password: "changeit", make: jksTrust, trust: true},
		{name: "truststore JKS no password", password: "changeit", make: jksTrust, trust: true, noPassword: true},
		{name: "truststore PKCS#12", password: "changeit", make: p12Trust, trust: true},

		{name: "wrong password", password: "changeit", make: func(t *testing.T, m made, _ string) []byte { return p12(pkcs12.Modern)(t, m, "other") }, want: "keystore-password-wrong"},
		{name: "JKS wrong password", password: "changeit", make: func(t *testing.T, m made, _ string) []byte { return jksKey(t, m, "otherpass") }, want: "keystore-password-wrong"},
		{name: "no password for a PKCS#12", password: "changeit", make: p12(pkcs12.Modern), noPassword: true, want: "keystore-password-wrong"},
		{name: "no password for a JKS key", password: "changeit", make: jksKey, noPassword: true, want: "keystore-password-wrong"},
		{name: "rubbish", make: bytesOf("rubbish"), want: "keystore-malformed"},
		{name: "PEM", make: bytesOf("-----BEGIN CERTIFICATE-----"), want: "keystore-malformed"},
		{name: "JCEKS", make: bytesOf("\xce\xce\xce\xce...."), want: "keystore-malformed"},
		{name: "JKS cut off", password: "changeit", make: func(t *testing.T, m made, p string) []byte { d := jksKey(t, m, p); return d[:len(d)/2] }, want: "keystore-malformed"},
		{name: "JKS that wants 4 GiB", make: bytesOf("\xfe\xed\xfe\xed\x00\x00\x00\x02\xff\xff\xff\xff\x00\x00\x00\x01\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xff\xff"), want: "keystore-malformed"},
		{name: "PKCS#12 cut off", password: "x", make: func(t *testing.T, m made, p string) []byte { d := p12(pkcs12.Modern)(t, m, p); return d[:len(d)/2] }, want: "keystore-malformed"},
		{name: "PKCS#12 of two billion iterations", make: func(*testing.T, made, string) []byte { return slowPKCS12() }, want: "keystore-malformed"},
		{name: "empty", make: bytesOf(""), want: "file-empty"},
		{name: "key missing", password: "changeit", make: p12Trust, want: "keystore-no-key"},
		{name: "truststore with a key only", password: "changeit", make: jksKey, trust: true, want: "keystore-no-certificate"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), c.verify)
	}
}

// verify checks the store that was made for it.
func (c store) verify(t *testing.T) {
	m, task := carryOut(t)
	path := m.write(t, "store", c.make(t, m, c.password))
	if !c.noPassword {
		task.PasswordFile = m.write(t, "password", []byte(c.password+"\n"))
	}
	task.CA = []string{m.path("ca.crt")}
	if c.trust {
		task.Truststores, task.CA = []string{path}, nil
		if c.want != "" {
			task.Dirs = nil
		}
	} else {
		task.Keystores, task.Dirs = []string{path}, nil
	}
	r := expect(t, task, c.want)
	if c.want == "" && r.doc.Sets[0].Certificates[0].Subject != "CN=app" {
		t.Errorf("the leaf is not the first certificate: %s", r.stdout)
	}
}

// slowPKCS12 has a MAC with two billion iterations.
func slowPKCS12() []byte {
	type algorithm struct{ ID asn1.ObjectIdentifier }
	type digest struct {
		Algorithm algorithm
		Digest    []byte
	}
	type mac struct {
		Digest     digest
		Salt       []byte
		Iterations int
	}
	sha := algorithm{testpki.OID("2.16.840.1.101.3.4.2.1")}
	return der(struct {
		Version int
		Safe    algorithm
		Mac     mac
	}{3, algorithm{testpki.OID("1.2.840.113549.1.7.1")}, mac{digest{sha, make([]byte, 32)}, make([]byte, 8), 1<<31 - 1}})
}

// Files that keytool wrote: see testdata/keytool.sh.
func TestKeytool(t *testing.T) {
	for _, name := range []string{"keytool.jks", "keytool.p12"} {
		task := New()
		task.Keystores = []string{filepath.Join("testdata", name)}
		task.PasswordFile = filepath.Join("testdata", "keytool.password")
		task.CA = []string{filepath.Join("testdata", "keytool.pem")}
		task.DNSNames = []string{"app.test"}
		expect(t, task, "encoding-crlf") // keytool itself writes CR LF
	}
}
