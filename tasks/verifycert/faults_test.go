package verifycert

import (
	"bytes"
	"crypto/dsa" //lint:ignore SA1019 to test that it is refused
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
	"time"

	"crypto/ecdsa"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// The building blocks of faults.

func leafWith(o ...testpki.Option) fault  { return func(p *plan) { p.leaf = append(p.leaf, o...) } }
func interWith(o ...testpki.Option) fault { return func(p *plan) { p.inter = append(p.inter, o...) } }
func rootWith(o ...testpki.Option) fault  { return func(p *plan) { p.root = append(p.root, o...) } }

func arranged(f func(*made)) fault { return func(p *plan) { p.arrange = f } }

func flagged(f func(*Task)) fault {
	return func(p *plan) { p.task = append(p.task, func(t *Task, _ made) { f(t) }) }
}

func flaggedWith(f func(*Task, made)) fault {
	return func(p *plan) { p.task = append(p.task, f) }
}

// file changes the content of a file of the mount.
func file(name string, change func(t *testing.T, data []byte, m made) []byte) fault {
	return func(p *plan) {
		p.files = append(p.files, func(t *testing.T, m made) {
			m.write(t, name, change(t, m.read(t, name), m))
		})
	}
}

func replaced(name string, change func([]byte) []byte) fault {
	return file(name, func(_ *testing.T, data []byte, _ made) []byte { return change(data) })
}

func removed(name string) fault {
	return func(p *plan) {
		p.files = append(p.files, func(t *testing.T, m made) {
			if err := os.Remove(m.path(name)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

func both(faults ...fault) fault {
	return func(p *plan) {
		for _, f := range faults {
			f(p)
		}
	}
}

var strict = flagged(func(t *Task) { t.Strict = true })

func named(name string) fault {
	return flagged(func(t *Task) { t.DNSNames = append(t.DNSNames, name) })
}

// The encodings that people produce.

func base64Lines(data []byte) []byte {
	return append([]byte(base64.StdEncoding.EncodeToString(data)), '\n')
}

func bareBase64(data []byte) []byte {
	block, _ := pem.Decode(data)
	return base64Lines(block.Bytes)
}

func literalNewlines(data []byte) []byte { return bytes.ReplaceAll(data, []byte("\n"), []byte(`\n`)) }

func joined(data []byte) []byte {
	return bytes.ReplaceAll(data, []byte("-----END CERTIFICATE-----\n-----"), []byte("-----END CERTIFICATE----------"))
}

func firstBlock(data []byte) []byte {
	block, _ := pem.Decode(data)
	return pem.EncodeToMemory(block)
}

// Keys of kinds that tests need.

func rsaKey(t testpki.TB, bits int) *rsa.PrivateKey {
	t.Helper()
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// smallCurve makes the key a P-224 key.
func smallCurve(t *testpki.Template) {
	k, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t.Key = k
}

// dsaPublicKey replaces the key of a certificate with a DSA key.
func dsaPublicKey(t *testing.T) func(*testpki.TBS) {
	var k dsa.PrivateKey
	if err := dsa.GenerateParameters(&k.Parameters, rand.Reader, dsa.L1024N160); err != nil {
		t.Fatal(err)
	}
	if err := dsa.GenerateKey(&k, rand.Reader); err != nil {
		t.Fatal(err)
	}
	return func(tbs *testpki.TBS) {
		params, _ := asn1.Marshal(struct{ P, Q, G *big.Int }{k.P, k.Q, k.G})
		y, _ := asn1.Marshal(k.Y)
		spki, _ := asn1.Marshal(struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}{pkix.AlgorithmIdentifier{Algorithm: testpki.OID("1.2.840.10040.4.1"), Parameters: asn1.RawValue{FullBytes: params}}, asn1.BitString{Bytes: y, BitLength: 8 * len(y)}})
		tbs.Key = asn1.RawValue{FullBytes: spki}
	}
}

func withoutExtension(oid string) testpki.Option {
	return testpki.Edit(func(t *testpki.TBS) { t.Remove(oid) })
}

func der(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func validity(from, to time.Duration) testpki.Option { return testpki.Valid(from, to) }

const day = 24 * time.Hour

func crlFile(edit func(*x509.RevocationList), issuer func(made) *testpki.Cert, revoked func(made) []*testpki.Cert) fault {
	return func(p *plan) {
		p.files = append(p.files, func(t *testing.T, m made) {
			var list []*testpki.Cert
			if revoked != nil {
				list = revoked(m)
			}
			m.write(t, "ca.crl", testpki.CRL(t, issuer(m), edit, list...))
		})
		p.task = append(p.task, func(t *Task, m made) { t.CRLs = append(t.CRLs, m.path("ca.crl")) })
	}
}

func byInter(m made) *testpki.Cert { return m.inter }
func byRoot(m made) *testpki.Cert  { return m.root }

func decode64(b []byte) []byte {
	out, err := base64.StdEncoding.DecodeString(string(b))
	if err != nil {
		panic(err)
	}
	return out
}

type (
	rawValue  = asn1.RawValue
	bitString = asn1.BitString
	oid       = asn1.ObjectIdentifier
)
