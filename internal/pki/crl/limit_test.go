package crl

import (
	"context"
	"crypto/x509"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// crowd has n CRLs and n keys for CRLs, all with the name of the issuer.
func crowd(t *testing.T, n int) (Query, world) {
	t.Helper()
	w := newWorld(t)
	q := Query{At: time.Now()}
	stranger := testpki.Root(t, "CA")
	l, found := lists(t, testpki.CRL(t, stranger, nil))
	if len(found) > 0 {
		t.Fatal(found)
	}
	for range n {
		copied := *l[0]
		q.Lists = append(q.Lists, &copied)
	}
	for range n {
		c := testpki.New(t, "CA", w.root, testpki.CA, func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign })
		q.Others = append(q.Others, parsed(t, c)...)
	}
	return q, w
}

// Thousands of CRLs and thousands of keys are not all tried, and the verdict does
// not pass because some were not tried.
func TestLimit(t *testing.T) {
	q, w := crowd(t, 2000)
	good, _ := lists(t, testpki.CRL(t, w.inter, nil))
	bad, _ := lists(t, testpki.CRL(t, w.inter, nil, w.leaf))
	for name, c := range map[string]struct {
		lists []*List
		want  finding.Code
	}{
		"no right one":             {q.Lists, finding.CRLLimit},
		"the right one first":      {append(good, q.Lists...), finding.CRLLimit},
		"revoked, found in time":   {append(bad, q.Lists...), finding.Revoked},
		"revoked, not got to":      {append(append([]*List(nil), q.Lists...), bad...), finding.CRLLimit},
		"good and revoked, not so": {append(append(append([]*List(nil), good...), q.Lists...), bad...), finding.CRLLimit},
	} {
		q := q
		q.Lists = c.lists
		start := time.Now()
		found := New(t.Context(), q).Check(w.path, true)
		t.Logf("%s: %v", name, time.Since(start))
		if !found.Has(c.want) || len(found) > 2 {
			t.Errorf("%s: found %v, want %s", name, found, c.want)
		}
		if took := time.Since(start); took > 20*time.Second { // a fraction of a second, with room for the race detector
			t.Errorf("%s: took %v", name, took)
		}
	}
}

func TestLimitContext(t *testing.T) {
	q, w := crowd(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found := New(ctx, q).Check(w.path, true); len(found) != 1 || !found.Has(finding.CRLLimit) {
		t.Errorf("found %v", found)
	}
	if l, _ := Read(ctx, testpki.CRL(t, testpki.Root(t, "CA"), nil), "f"); len(l) > 0 {
		t.Error("a CRL was read though there is no time")
	}
}

// The CRLs of one issuer cannot fill the report.
func TestFaultsBounded(t *testing.T) {
	q, w := crowd(t, 50)
	q.Others = nil
	found := New(t.Context(), q).Check(w.path, true)
	if n := len(found); n != maxFaults+1 || !strings.Contains(found[n-1].Detail, "30 more") {
		t.Errorf("%d findings: %v", n, found[n-1])
	}
}

// The next step is about the CRL, not about a certificate.
func TestWeakSignature(t *testing.T) {
	w := newWorld(t)
	all, _ := lists(t, testpki.CRL(t, w.inter, func(l *x509.RevocationList) { l.SignatureAlgorithm = x509.ECDSAWithSHA1 }))
	found := New(t.Context(), Query{Lists: all, At: time.Now()}).Check(w.path, true)
	if len(found) != 1 || found[0].Code != finding.CRLSignature || found[0].Next != "have the CA sign its CRLs with SHA-256" {
		t.Errorf("found %v, next %q", found, found[0].Next)
	}
}

// However many paths are tried, a long list is searched once for each certificate,
// and a certificate that is revoked on one path is revoked on all.
func TestManyPaths(t *testing.T) {
	w := newWorld(t)
	all, _ := lists(t, testpki.CRL(t, w.inter, old))
	entry := x509.RevocationListEntry{SerialNumber: big.NewInt(7)}
	all[0].RevokedCertificateEntries = slices.Repeat([]x509.RevocationListEntry{entry}, maxExamined/4)
	k := New(t.Context(), Query{Lists: all, At: time.Now()})
	for range 100 {
		if found := k.Check(w.path, true); len(found) != 1 || !found.Has(finding.CRLStale) {
			t.Fatalf("found %v", found)
		}
	}
	all, _ = lists(t, testpki.CRL(t, w.inter, nil, w.leaf))
	k = New(t.Context(), Query{Lists: all, At: time.Now()})
	twin := testpki.New(t, "CA", testpki.Root(t, "Other"), testpki.CA)
	for _, above := range []*testpki.Cert{w.inter, twin} { // the second one did not sign the list
		path := append(w.path[:1:1], parsed(t, above)...)
		if found := k.Check(path, true); len(found) != 1 || !found.Has(finding.Revoked) || found[0].Warning {
			t.Errorf("found %v", found)
		}
	}
}
