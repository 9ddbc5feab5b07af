package verifycert

import (
	"bytes"
	"crypto"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"os"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

func password(text string) fault {
	return func(p *plan) {
		p.files = append(p.files, func(t *testing.T, m made) { m.write(t, "password", []byte(text)) })
		p.task = append(p.task, func(t *Task, m made) { t.PasswordFile = m.path("password") })
	}
}

func keyCodes(t *testing.T) []one {
	other := testpki.KeyPEM(t, &testpki.Cert{Key: testpki.Key(t)})
	chmod := func(mode os.FileMode) fault {
		return func(p *plan) {
			p.files = append(p.files, func(t *testing.T, m made) {
				if err := os.Chmod(m.path("tls.key"), mode); err != nil {
					t.Fatal(err)
				}
			})
		}
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	exchange, err := x509.MarshalPKCS8PrivateKey(x25519)
	if err != nil {
		t.Fatal(err)
	}
	return []one{
		{"another key", finding.KeyMismatch, replaced("tls.key", func([]byte) []byte { return other })},
		{"damaged key", finding.KeyMalformed, replaced("tls.key", func([]byte) []byte { return testpki.Block("PRIVATE KEY", []byte{0x30, 3, 2, 1, 0}) })},
		{"X25519", finding.KeyUnsupported, replaced("tls.key", func([]byte) []byte { return testpki.Block("PRIVATE KEY", exchange) })},
		{"OpenSSH", finding.KeyUnsupported, replaced("tls.key", func([]byte) []byte { return testpki.Block("OPENSSH PRIVATE KEY", []byte("openssh-key-v1\x00")) })},
		{"two keys", finding.KeySeveral, replaced("tls.key", func(d []byte) []byte { return append(d, other...) })},
		{"open to all", finding.KeyMode, both(chmod(0o644), flagged(func(t *Task) { t.MaxKeyMode = "0640" }))},
		{"owner", finding.KeyOwner, flagged(func(t *Task) { t.KeyOwner = "4711" })},
	}
}

// Every kind of key, in every form that tools write.
func TestKeyForms(t *testing.T) {
	ed := func(*testing.T) crypto.Signer {
		_, k, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err)
		}
		return k
	}
	for _, c := range []struct {
		name string
		key  func(*testing.T) crypto.Signer
		form func(*testing.T, crypto.Signer) []byte
	}{
		{"RSA PKCS#1", func(t *testing.T) crypto.Signer { return rsaKey(t, 2048) }, func(t *testing.T, k crypto.Signer) []byte {
			return testpki.Block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(k.(*rsa.PrivateKey)))
		}},
		{"RSA PKCS#8", func(t *testing.T) crypto.Signer { return rsaKey(t, 2048) }, pkcs8Form},
		{"ECDSA SEC 1", func(t *testing.T) crypto.Signer { return testpki.Key(t) }, func(t *testing.T, k crypto.Signer) []byte {
			der, err := x509.MarshalECPrivateKey(k.(*ecdsa.PrivateKey))
			if err != nil {
				t.Fatal(err)
			}
			params := testpki.Block("EC PARAMETERS", []byte{6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7})
			return append(params, testpki.Block("EC PRIVATE KEY", der)...)
		}},
		{"Ed25519", ed, pkcs8Form},
		{"mislabelled", func(t *testing.T) crypto.Signer { return testpki.Key(t) }, func(t *testing.T, k crypto.Signer) []byte {
			return bytes.ReplaceAll(pkcs8Form(t, k), []byte("PRIVATE KEY"), []byte("RSA PRIVATE KEY"))
		}},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			key := c.key(t)
			_, task := carryOut(t, leafWith(func(c *testpki.Template) { c.Key = key }), replaced("tls.key", func([]byte) []byte { return c.form(t, key) }))
			expect(t, task, "")
		})
	}
}

func pkcs8Form(t *testing.T, k crypto.Signer) []byte { return testpki.KeyPEM(t, &testpki.Cert{Key: k}) }

// No part of a key ever leaks, whatever is wrong with the key.
func TestSecretsStaySecret(t *testing.T) {
	for name, f := range map[string]fault{
		"good":      func(*plan) {},
		"mismatch":  arranged(func(m *made) { m.key = testpki.KeyPEM(t, m.root) }),
		"in chain":  file("tls.crt", func(_ *testing.T, d []byte, m made) []byte { return append(d, m.key...) }),
		"truncated": replaced("tls.key", func(d []byte) []byte { return d[:len(d)-40] }),
		"as ca":     file("ca.crt", func(_ *testing.T, _ []byte, m made) []byte { return m.key }),
		"garbage": file("tls.crt", func(_ *testing.T, d []byte, m made) []byte {
			return append(d, bytes.ReplaceAll(m.key, []byte("-"), nil)...)
		}),
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m, task := carryOut(t, f)
			task.Bundles = []string{m.path("tls.key")}
			task.Wait = false
			r := run(t, task)
			all := r.stdout + r.log + strings.Join(r.summary, "\n")
			if r.err != nil {
				all += r.err.Error()
			}
			for line := range strings.Lines(string(m.read(t, "tls.key"))) {
				if line = strings.TrimSpace(line); len(line) > 16 && !strings.HasPrefix(line, "---") && strings.Contains(all, line) {
					t.Errorf("the output has a line of the key:\n%s", all)
				}
			}
		})
	}
}
