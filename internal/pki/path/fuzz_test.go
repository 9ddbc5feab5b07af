package path_test

import (
	"crypto/x509"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/path"
	"github.com/initbox/initbox/internal/pki/profile"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// Any certificate in DER goes through the whole package, as a leaf and as its own
// CA.
func FuzzCertificate(f *testing.F) {
	testpki.Seeds(f, "testdata/seeds")
	f.Fuzz(func(t *testing.T, der []byte) {
		c, found := cert.Parse(der, "f", 1)
		if (c == nil) != found.Failed() {
			t.Fatalf("certificate %v, findings %v", c, found)
		}
		if c == nil {
			return
		}
		r := path.Find(t.Context(), path.Query{Leaf: c, CAs: []*cert.Cert{c}, Intermediates: []*cert.Cert{c}, PartialChain: true, At: time.Now(),
			MinValidity: time.Hour, Usages: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
		if !r.Complete {
			t.Error("a certificate that is trusted itself has no path")
		}
		profile.Check(r.Path, r.Complete, true)
		profile.Authority(c)
		path.Find(t.Context(), path.Query{Leaf: c, CAs: []*cert.Cert{c}, At: time.Now()})
		// Its own constraints, compared with its own names.
		other := *c
		other.IssuerKey, other.SubjectKey = "x", "y"
		path.Judge(t.Context(), []*cert.Cert{&other, c}, time.Now())
	})
}
