package peercert

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
	"github.com/initbox/initbox/internal/text"
)

var words = Words{
	Certificate: "the certificate of db:5432", Trusted: "a CA that the system trusts",
	GiveCA: "give the CA with --ca", CAFlag: "--ca", NameFlag: "--server-name",
}

func TestExplain(t *testing.T) {
	ca := testpki.Root(t, "Our CA")
	past := testpki.Valid(-48*time.Hour, -24*time.Hour)
	oldRoot := testpki.Root(t, "Old CA", past)
	oldMiddle := testpki.New(t, "Old intermediate", ca, testpki.CA, past)
	oldSelf := testpki.Root(t, "db.test", past)
	long := strings.Repeat("a-long-name.", 40) + "example"
	for name, c := range map[string]struct {
		leaf        *testpki.Cert
		roots       *testpki.Cert
		host        string // "" where the name does not matter
		fault, next string
		middle      *testpki.Cert // an intermediate that the server also presents
	}{
		"unknown CA":             {testpki.Leaf(t, ca), testpki.Root(t, "Another"), "", "the certificate of db:5432 is signed by CN=Our CA, not by a CA that the system trusts", "give the CA with --ca", nil},
		"signed itself":          {ca, testpki.Root(t, "Another"), "", "is signed by itself (CN=Our CA), not by", "give the CA with --ca", nil},
		"another name":           {testpki.Leaf(t, ca, testpki.Names("one.test", "two.test")), ca, "db.test", "is for one.test, two.test, not for db.test", "--server-name", nil},
		"many names":             {testpki.Leaf(t, ca, testpki.Names("a", "b", "c", "d", "e", "f", "g")), ca, "db.test", "is for a, b, c, d, e and 2 more, not for db.test", "", nil},
		"expired":                {testpki.Leaf(t, ca, testpki.Names("db.test"), past), ca, "", "the certificate of db:5432 expired on ", "renew it", nil},
		"expired, signed itself": {oldSelf, oldSelf, "", "the certificate of db:5432 expired on ", "renew it", nil},
		"expired root":           {testpki.Leaf(t, oldRoot), oldRoot, "", "the CA certificate CN=Old CA in the chain of the certificate of db:5432 expired on ", "file of --ca", nil},
		"expired intermediate":   {testpki.Leaf(t, oldMiddle), ca, "", "the CA certificate CN=Old intermediate in the chain of the certificate of db:5432 expired on ", "renew it", oldMiddle},
		"not yet valid":          {testpki.Leaf(t, ca, testpki.Names("db.test"), testpki.Valid(24*time.Hour, 48*time.Hour)), ca, "", "is not valid before ", "clocks", nil},
		"a hostile name":         {testpki.Leaf(t, testpki.Root(t, long+"\nforged line")), ca, "", "is signed by CN=a-long-name.", "--ca", nil},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			leaf, roots := testpki.X509(t, c.leaf), x509.NewCertPool()
			roots.AddCert(testpki.X509(t, c.roots))
			chain, middle := []*x509.Certificate{leaf}, x509.NewCertPool()
			if c.middle != nil {
				chain = append(chain, testpki.X509(t, c.middle))
				middle.AddCert(chain[1])
			}
			_, err := leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: middle, DNSName: c.host})
			if err == nil {
				t.Fatal("the certificate is valid")
			}
			fault, next := words.Explain(chain, err)
			if !strings.Contains(fault, c.fault) || !strings.Contains(next, c.next) {
				t.Errorf("got %q, %q", fault, next)
			}
			if strings.Contains(fault, "current time") || strings.Contains(fault, "\n") || len(fault) > 2*text.ClipLength {
				t.Errorf("got %q", fault)
			}
		})
	}
}
