package verifycert

import (
	"crypto/rsa"
	"fmt"
	"math/big"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testpki"
	"github.com/initbox/initbox/tasks"
)

// Files of any name, with intermediates in any order in another file.
func TestFiles(t *testing.T) {
	m, _ := carryOut(t, arranged(func(m *made) { m.chain = m.chain[:1] }))
	inters := m.write(t, "inters.pem", testpki.PEM(testpki.Root(t, "Nobody"), m.inter))
	task := New()
	task.Cert, task.Key, task.CA = m.path("tls.crt"), m.path("tls.key"), []string{m.path("ca.crt")}
	expect(t, task, "chain-missing-intermediate")
	task.Intermediates = []string{inters}
	expect(t, task, "")
	task.Key = ""
	expect(t, task, "")
	task.CA = []string{inters, m.path("ca.crt")}
	expect(t, task, "")
}

func TestSystemRoots(t *testing.T) {
	m, task := carryOut(t, func(p *plan) {})
	roots := "SSL_CERT_FILE=" + m.path("ca.crt")
	task.SystemRoots = true
	expect(t, task, "", roots)

	// Public CAs sign no leaves directly, so an intermediate must be missing.
	other, _ := carryOut(t, alone)
	task.Dirs = []string{other.dir}
	expect(t, task, "chain-missing-intermediate", roots)

	if r := run(t, task, "SSL_CERT_FILE="+filepath.Join(t.TempDir(), "none")); tasks.KindOf(r.err) != tasks.Usage || !strings.Contains(r.err.Error(), "--system-roots") {
		t.Errorf("got %v", r.err)
	}
}

// Without the issuer, only names can show whether an intermediate is missing or
// the CA is the wrong one, as well as they can.
func TestMissingOrWrong(t *testing.T) {
	for _, c := range []struct{ issuer, root, want string }{
		{"Shop Intermediate CA 1", "Shop Root CA", "chain-missing-intermediate"},
		{"Shop Issuing CA", "Corporate Root", "chain-missing-intermediate"},
		{"Shop CA 1", "Shop CA", "chain-missing-intermediate"},
		{"CA A", "CA B", "chain-wrong-ca"},
		{"Stage Root CA", "Prod Root CA", "chain-wrong-ca"},
		{"stage", "prod", "chain-wrong-ca"},
	} {
		_, task := carryOut(t, arranged(func(m *made) {
			leaf := testpki.Leaf(t, testpki.Root(t, c.issuer))
			m.chain, m.key, m.cas = []*testpki.Cert{leaf}, testpki.KeyPEM(t, leaf), []*testpki.Cert{testpki.Root(t, c.root)}
		}))
		expect(t, task, c.want)
	}
}

// Keys that only --strict refuses.
func TestWeakKeys(t *testing.T) {
	small := rsaKey(t, 2048)
	small.E = 3 // the private part no longer fits, which the certificate does not show
	for name, f := range map[string]fault{
		"exponent 3": both(leafWith(testpki.Edit(func(tbs *testpki.TBS) { tbs.Key = spki(&small.PublicKey) })), removed("tls.key")),
		"DSA":        both(leafWith(testpki.Edit(dsaPublicKey(t))), removed("tls.key")),
		"1024 bits":  leafWith(func(c *testpki.Template) { c.Key = rsaKey(t, 1024) }),
	} {
		_, task := carryOut(t, strict, leafWith(sameCN), f)
		want := "key-weak"
		if name != "1024 bits" {
			want += " file-missing"
		}
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) { expect(t, task, want) })
	}
}

func spki(k *rsa.PublicKey) (v rawValue) {
	type algorithm struct {
		ID     oid
		Params rawValue
	}
	key := der(struct {
		N *big.Int
		E int
	}{k.N, k.E})
	v.FullBytes = der(struct {
		Algorithm algorithm
		Key       bitString
	}{algorithm{testpki.OID("1.2.840.113549.1.1.1"), rawValue{Tag: 5}}, bitString{Bytes: key, BitLength: 8 * len(key)}})
	return v
}

// A chain that was not verified is not good, even if only the CA's file is wrong.
func TestNothingVerified(t *testing.T) {
	m, task := carryOut(t)
	task.CA = []string{m.path("none.crt")}
	r := run(t, task)
	if tasks.KindOf(r.err) != tasks.Usage || r.doc.Sets[0].Verdict != "failed" || !slices.Equal(r.codes(), []string{"ca-missing"}) {
		t.Errorf("got %v, set %s, found %v", r.err, r.doc.Sets[0].Verdict, r.codes())
	}
	if strings.Contains(strings.Join(r.summary, ""), "good") {
		t.Errorf("the termination message says %q", r.summary)
	}
}

// The JSON output has every certificate of the files that flags name.
func TestAllCertificatesListed(t *testing.T) {
	m, task := carryOut(t)
	task.CA = []string{m.write(t, "roots.pem", testpki.PEM(testpki.Root(t, "Another Root"), m.root))}
	task.Intermediates = []string{m.write(t, "inters.pem", testpki.PEM(testpki.Root(t, "Nobody")))}
	r := expect(t, task, "")
	var listed []string
	for _, c := range r.doc.Sets[0].Certificates {
		listed = append(listed, fmt.Sprint(c.Subject, " ", c.OnPath))
	}
	want := []string{"CN=app true", "CN=Test Intermediate CA true", "CN=Test Root CA true", "CN=Another Root false", "CN=Nobody false"}
	if !slices.Equal(listed, want) {
		t.Errorf("listed %q, want %q", listed, want)
	}
}

// A root that signed itself but names another key as its issuer's is refused, as
// openssl does, and the message says why.
func TestRootOfAnotherKey(t *testing.T) {
	_, task := carryOut(t, rootWith(testpki.Edit(func(tbs *testpki.TBS) {
		tbs.Remove("2.5.29.35")
		tbs.Extensions = append(tbs.Extensions, pkixExtension("2.5.29.35", false, []byte{0x30, 4, 0x80, 2, 1, 2}))
	})))
	r := expect(t, task, "chain-ca-is-intermediate")
	if !strings.Contains(r.stdout, "signed by itself, but its authority key identifier") {
		t.Errorf("got %s", r.stdout)
	}
}
