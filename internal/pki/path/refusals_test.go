package path_test

import (
	"bytes"
	"context"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/path"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// query asks whether c is good.
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

// A search that is over before it begins still has an answer, and not a good one.
func TestContextDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := path.Find(ctx, query(t, three(t, opts{})))
	if r.Complete || len(r.Path) != 1 || len(r.Findings) != 1 || !r.Findings.Has(finding.ChainLimit) {
		t.Errorf("complete %v, path %v, findings %v", r.Complete, r.Path, r.Findings)
	}
}

// A key usage that lists nothing allows nothing; only an absent one allows
// everything.
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

// manyNames has n names that the CA may not issue for.
func manyNames(t *testing.T, n int) chain {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("a%d.evil.test", i)
	}
	return three(t, opts{inter: list(constraints(true, [][]byte{dns("good.test")}, nil)), leaf: list(testpki.Names(all...))})
}

// One certificate cannot fill the report.
func TestFindingsBounded(t *testing.T) {
	r := path.Find(t.Context(), query(t, manyNames(t, 20_000)))
	if n := len(r.Findings); n != 21 || !strings.Contains(r.Findings[n-1].String(), "19980 more") {
		t.Errorf("%d findings, the last %v", n, r.Findings[n-1])
	}
}

// A context that is done ends a comparison, and names that were not compared are
// not good.
func TestComparisonInterrupted(t *testing.T) {
	q := query(t, manyNames(t, 20_000))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	found := path.Judge(ctx, []*cert.Cert{q.Leaf, q.Intermediates[0], q.CAs[0]}, time.Now())
	if !found.Failed() || len(found) > 2 {
		t.Errorf("found %v", found)
	}
}

// A name is parsed once, however many constraints it is compared with: parsing it
// again for each comparison took seconds.
func TestConstraintsReadOnce(t *testing.T) {
	var bases, names [][]byte
	for i := range 900 {
		n := directory(pkix.Name{Organization: []string{fmt.Sprint("Org ", i)}, CommonName: "x"})
		names = append(names, n)
		bases = append(bases, directory(pkix.Name{Organization: []string{fmt.Sprint("Other ", i)}}))
	}
	san := testpki.Extension("2.5.29.17", false, der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: bytes.Join(names, nil)}))
	q := query(t, three(t, opts{inter: list(constraints(true, nil, bases)), leaf: list(func(c *testpki.Template) { c.DNSNames = nil }, san)}))
	p := []*cert.Cert{q.Leaf, q.Intermediates[0], q.CAs[0]}
	if found := path.Judge(t.Context(), p, time.Now()); len(found) > 0 {
		t.Errorf("found %v", found)
	}
	// Each parsing allocates; 810,000 comparisons must not.
	if n := testing.AllocsPerRun(1, func() { path.Judge(t.Context(), p, time.Now()) }); n > 200_000 {
		t.Errorf("%v allocations", n)
	}
}

// The limits of a search apply to all paths together, not to each of them.
func TestJudgingBounded(t *testing.T) {
	var bases, names [][]byte
	for i := range 900 {
		names = append(names, dns(fmt.Sprintf("a%d.evil.test", i)))
		bases = append(bases, dns(fmt.Sprintf("b%d.evil.test", i)))
	}
	bases = append(bases, dns("a899.evil.test"))
	old := testpki.Valid(-48*time.Hour, -24*time.Hour)
	for name, c := range map[string]struct {
		copies      int
		inter, leaf []testpki.Option
		limited     bool
	}{
		"constraints":      {20, list(constraints(true, nil, bases)), subjectOnly(names...), true},
		"large":            {40, list(old, testpki.Extension("1.2.3.4", false, make([]byte, 500_000))), nil, true},
		"few constraints":  {20, list(constraints(true, nil, bases[899:])), subjectOnly(names...), false},
		"small and simple": {40, list(old), nil, false},
	} {
		root := testpki.Root(t, "Root")
		key := testpki.Key(t)
		all := chain{roots: []*testpki.Cert{root}}
		for range c.copies { // each makes another path
			all.inters = append(all.inters, testpki.New(t, "Intermediate", root, append(list(testpki.CA, func(x *testpki.Template) { x.Key = key }), c.inter...)...))
		}
		all.leaf = testpki.Leaf(t, all.inters[0], c.leaf...)
		found := ours(t, all, false)
		if !found.Failed() || found.Has(finding.ChainLimit) != c.limited {
			t.Errorf("%s: found %v, want a limit %v", name, found, c.limited)
		}
	}
}

// A chain whose signatures take too long is reported as that, and not as a missing
// or wrong CA.
func TestChainGoesOn(t *testing.T) {
	public := &rsa.PublicKey{N: new(big.Int).Lsh(big.NewInt(1), 1<<16), E: 65537}
	spki, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	slow := testpki.Edit(func(tbs *testpki.TBS) { tbs.Key = asn1.RawValue{FullBytes: spki} })
	root := testpki.Root(t, "Root")
	c := chain{roots: []*testpki.Cert{root}, inters: []*testpki.Cert{root}}
	for i := range 50 {
		c.inters = append(c.inters, testpki.New(t, fmt.Sprint("CA ", i), c.inters[i], testpki.CA, slow))
	}
	c.leaf = testpki.Leaf(t, c.inters[len(c.inters)-1])
	found := ours(t, c, false)
	if len(found) != 1 || !found.Has(finding.ChainLimit) || !strings.Contains(found[0].Detail, `up to "CN=CA `) {
		t.Errorf("found %v", found)
	}
}
