package crl

import (
	"context"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testpki"
)

// crowd has n CRLs and n keys for CRLs, all with the name of the issuer.
func crowd(t *testing.T, n int) (Query, world) {
	t.Helper()
	w := newWorld(t)
	q := Query{Path: w.path, Complete: true, At: time.Now()}
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

// Thousands of CRLs times thousands of keys are not all tried, and what was not
// tried is no reason to pass.
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
		found := Check(t.Context(), q)
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
	q, _ := crowd(t, 10)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if found := Check(ctx, q); len(found) != 1 || !found.Has(finding.CRLLimit) {
		t.Errorf("found %v", found)
	}
	if l, _ := Read(ctx, testpki.CRL(t, testpki.Root(t, "CA"), nil), "f"); len(l) > 0 {
		t.Error("a CRL was read though there is no time")
	}
}

// One issuer's CRLs cannot fill the report.
func TestFaultsBounded(t *testing.T) {
	q, _ := crowd(t, 50)
	q.Others = nil
	found := Check(t.Context(), q)
	if n := len(found); n != maxFaults+1 || !strings.Contains(found[n-1].Detail, "30 more") {
		t.Errorf("%d findings: %v", n, found[n-1])
	}
}

// The next step is about the CRL, not about a certificate.
func TestWeakSignature(t *testing.T) {
	w := newWorld(t)
	all, _ := lists(t, testpki.CRL(t, w.inter, func(l *x509.RevocationList) { l.SignatureAlgorithm = x509.ECDSAWithSHA1 }))
	found := Check(t.Context(), Query{Path: w.path, Complete: true, Lists: all, At: time.Now()})
	if len(found) != 1 || found[0].Code != finding.CRLSignature || found[0].Next != "have the CA sign its CRLs with SHA-256" {
		t.Errorf("found %v, next %q", found, found[0].Next)
	}
}
