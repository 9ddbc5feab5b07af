package path_test

import (
	"context"
	"crypto/x509"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/path"
	"github.com/initbox/initbox/internal/testpki"
)

// query is the question whether c is good.
func query(t *testing.T, c chain) path.Query {
	t.Helper()
	parse := func(cs ...*testpki.Cert) (out []*cert.Cert) {
		for i, x := range cs {
			p, found := cert.Parse(x.DER, "x", i+1)
			if p == nil {
				t.Fatal(found)
			}
			out = append(out, p)
		}
		return out
	}
	return path.Query{Leaf: parse(c.leaf)[0], CAs: parse(c.roots...), Intermediates: parse(c.inters...), At: time.Now()}
}

// A search that is over before it began has an answer too, and not a good one.
func TestContextDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := path.Find(ctx, query(t, three(t, opts{})))
	if r.Complete || len(r.Path) != 1 || len(r.Findings) != 1 || !r.Findings.Has(finding.ChainLimit) {
		t.Errorf("complete %v, path %v, findings %v", r.Complete, r.Path, r.Findings)
	}
}

// A key usage that lists nothing allows nothing; only one that is absent leaves
// all open.
func TestEmptyUsages(t *testing.T) {
	keyUsage := testpki.Extension("2.5.29.15", true, []byte{3, 1, 0})
	extended := testpki.Extension("2.5.29.37", false, []byte{0x30, 0})
	none := func(c *testpki.Template) { c.ExtKeyUsage = nil }
	for name, c := range map[string]struct {
		opts opts
		want finding.Code
	}{
		"intermediate, empty keyUsage":    {opts{inter: list(keyUsage)}, finding.CAKeyUsage},
		"root, empty keyUsage":            {opts{root: list(keyUsage)}, finding.CAKeyUsage},
		"leaf, empty extKeyUsage":         {opts{leaf: list(none, extended)}, finding.Usage},
		"intermediate, empty extKeyUsage": {opts{inter: list(extended)}, finding.Usage},
		"all absent":                      {opts{inter: list(remove("2.5.29.15")), leaf: list(none)}, ""},
	} {
		q := query(t, three(t, c.opts))
		q.Usages = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		r := path.Find(t.Context(), q)
		if c.want == "" && len(r.Findings) > 0 || c.want != "" && (len(r.Findings) != 1 || !r.Findings.Has(c.want)) {
			t.Errorf("%s: found %v, want %q", name, r.Findings, c.want)
		}
	}
}
