package crl

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// with adds extensions to a CRL, in that order.
func with(extensions ...pkix.Extension) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) { l.ExtraExtensions = extensions }
}

func extension(oid string, critical bool, value ...byte) pkix.Extension {
	return pkix.Extension{Id: testpki.OID(oid), Critical: critical, Value: value}
}

// An extension that makes a CRL unusable does so in any position.
func TestRefusalStays(t *testing.T) {
	w := newWorld(t)
	var (
		delta    = extension("2.5.29.27", true, 2, 1, 1)
		unknown  = extension("1.2.3.4", true, 5, 0)
		leaves   = extension("2.5.29.28", true, 0x30, 3, 0x81, 1, 0xff)
		indirect = extension("2.5.29.28", true, 0x30, 3, 0x84, 1, 0xff)
		cas      = extension("2.5.29.28", true, 0x30, 3, 0x82, 1, 0xff)
		its      = extension("2.5.29.28", true, raw(0, 16, true, distribution())...)
		garbage  = extension("2.5.29.28", true, 5, 0)
	)
	for name, c := range map[string]struct {
		extensions []pkix.Extension
		why        string
	}{
		"delta":                     {[]pkix.Extension{delta}, "delta"},
		"delta, not critical":       {[]pkix.Extension{extension("2.5.29.27", false, 2, 1, 1)}, "delta"},
		"delta, leaves alone":       {[]pkix.Extension{delta, leaves}, "delta"},
		"delta, its point":          {[]pkix.Extension{delta, its}, "delta"},
		"leaves alone, delta":       {[]pkix.Extension{leaves, delta}, "delta"},
		"unknown, leaves alone":     {[]pkix.Extension{unknown, leaves}, "1.2.3.4"},
		"leaves alone, unknown":     {[]pkix.Extension{leaves, unknown}, "1.2.3.4"},
		"CAs alone, leaves alone":   {[]pkix.Extension{cas, leaves}, "twice"},
		"indirect, leaves alone":    {[]pkix.Extension{indirect, leaves}, "indirect"},
		"garbage, leaves alone":     {[]pkix.Extension{garbage, leaves}, "cannot be read"},
		"an unknown one twice":      {[]pkix.Extension{extension("1.2.3.4", false, 5, 0), extension("1.2.3.4", false, 5, 0)}, "twice"},
		"an unknown one, no matter": {[]pkix.Extension{extension("1.2.3.4", false, 5, 0), leaves}, ""},
	} {
		all, found := lists(t, testpki.CRL(t, w.inter, with(c.extensions...)))
		found = append(found, New(t.Context(), Query{Lists: all, At: time.Now()}).Check(w.path, true)...)
		if found.Failed() != (c.why != "") || !strings.Contains(all[0].refused, c.why) {
			t.Errorf("%s: refused since %q, found %v", name, all[0].refused, found)
		}
	}
}

// Crypto/x509 writes the cRLNumber before the extensions that a test adds.
func TestCriticalNumberFirst(t *testing.T) {
	w := newWorld(t)
	all, _ := lists(t, testpki.CRL(t, w.inter, about(0x81, 1, 0xff)))
	for i, e := range all[0].Extensions {
		all[0].Extensions[i].Critical = e.Critical || e.Id.String() == "2.5.29.20"
	}
	if all[0].readExtensions(); !strings.Contains(all[0].refused, "cRLNumber") {
		t.Errorf("got %q", all[0].refused)
	}
}
