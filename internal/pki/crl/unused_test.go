package crl

import (
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// A CRL that cannot be used is a failure if no other one covers the certificate,
// and a warning if it does not matter.
func TestUnused(t *testing.T) {
	w := newWorld(t)
	delta := with(extension("2.5.29.27", true, 2, 1, 1))
	whole, its := testpki.CRL(t, w.inter, nil), testpki.CRL(t, w.inter, delta)
	stranger := testpki.CRL(t, testpki.Root(t, "Elsewhere"), delta)
	for name, c := range map[string]struct {
		files            [][]byte
		failed           bool
		faults, warnings int // about CRLs that cannot be used
	}{
		"alone":                       {[][]byte{its}, true, 1, 0},
		"beside a complete one":       {[][]byte{whole, its}, false, 0, 1},
		"before a complete one":       {[][]byte{its, whole}, false, 0, 1},
		"beside an old one":           {[][]byte{its, testpki.CRL(t, w.inter, old)}, true, 1, 0},
		"of a CA that is elsewhere":   {[][]byte{whole, stranger}, false, 0, 1},
		"of the issuer and elsewhere": {[][]byte{its, stranger}, true, 1, 1},
		"of the root":                 {[][]byte{whole, testpki.CRL(t, w.root, delta)}, true, 1, 0},
		"of the root, and a whole":    {[][]byte{whole, testpki.CRL(t, w.root, delta), testpki.CRL(t, w.root, nil)}, false, 0, 1},
		"revoked all the same":        {[][]byte{testpki.CRL(t, w.inter, nil, w.leaf), its}, true, 0, 1},
	} {
		var all []*List
		for i, f := range c.files {
			l, found := Read(t.Context(), f, string(rune('a'+i)))
			if len(found) > 0 {
				t.Fatal(found)
			}
			all = append(all, l...)
		}
		k := New(t.Context(), Query{Lists: all, At: time.Now()})
		found := k.Check(w.path, true)
		found = append(found, k.Remarks(found)...)
		faults, warnings := 0, 0
		for _, f := range found {
			switch {
			case f.Code == finding.CRLUnsupported && f.Warning:
				warnings++
			case f.Code == finding.CRLUnsupported:
				faults++
			}
		}
		if found.Failed() != c.failed || faults != c.faults || warnings != c.warnings {
			t.Errorf("%s: %d faults and %d warnings in %v", name, faults, warnings, found)
		}
	}
}

// Many such CRLs cannot fill the report.
func TestUnusedBounded(t *testing.T) {
	q, _ := crowd(t, 50)
	for _, l := range q.Lists {
		l.refused = "it is a delta CRL"
	}
	if n := len(New(t.Context(), q).Remarks(nil)); n != maxFaults {
		t.Errorf("%d warnings", n)
	}
}
