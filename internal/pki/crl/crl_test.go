package crl

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// A world is a chain whose leaf says where its CRL is.
type world struct {
	root, inter, leaf *testpki.Cert
	path              []*cert.Cert
}

const point = "http://crl.test/a"

// distribution is a distribution point and its name, as certificates and CRLs
// contain it.
func distribution() []byte {
	full := raw(asn1.ClassContextSpecific, 0, true, raw(asn1.ClassContextSpecific, 6, false, []byte(point)))
	return raw(asn1.ClassContextSpecific, 0, true, full)
}

func raw(class, tag int, compound bool, value []byte) []byte {
	b, err := asn1.Marshal(asn1.RawValue{Class: class, Tag: tag, IsCompound: compound, Bytes: value})
	if err != nil {
		panic(err)
	}
	return b
}

func newWorld(t *testing.T, inter ...testpki.Option) world {
	t.Helper()
	w := world{root: testpki.Root(t, "Root")}
	w.inter = testpki.New(t, "CA", w.root, append([]testpki.Option{testpki.CA}, inter...)...)
	w.leaf = testpki.Leaf(t, w.inter, func(c *testpki.Template) { c.CRLDistributionPoints = []string{point} })
	w.path = parsed(t, w.leaf, w.inter, w.root)
	return w
}

func parsed(t *testing.T, certs ...*testpki.Cert) (out []*cert.Cert) {
	t.Helper()
	for _, c := range certs {
		p, found := cert.Parse(c.DER, "f", 1)
		if found.Failed() {
			t.Fatal(found)
		}
		out = append(out, p)
	}
	return out
}

func lists(t *testing.T, files ...[]byte) (all []*List, found finding.List) {
	t.Helper()
	for _, f := range files {
		l, more := Read(t.Context(), f, "f")
		all, found = append(all, l...), append(found, more...)
	}
	return all, found
}

// about sets which certificates a CRL covers.
func about(value ...byte) func(*x509.RevocationList) {
	return func(l *x509.RevocationList) {
		l.ExtraExtensions = append(l.ExtraExtensions, pkix.Extension{Id: testpki.OID("2.5.29.28"), Critical: true, Value: raw(0, 16, true, value)})
	}
}

func TestScope(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		files [][]byte
		want  finding.Code
	}{
		"all":               {[][]byte{testpki.CRL(t, w.inter, nil)}, ""},
		"leaves alone":      {[][]byte{testpki.CRL(t, w.inter, about(0x81, 1, 0xff))}, ""},
		"CAs alone":         {[][]byte{testpki.CRL(t, w.inter, about(0x82, 1, 0xff))}, finding.CRLOtherIssuer},
		"its point":         {[][]byte{testpki.CRL(t, w.inter, about(distribution()...))}, ""},
		"another point":     {[][]byte{testpki.CRL(t, w.inter, about(raw(2, 0, true, raw(2, 0, true, raw(2, 6, false, []byte("http://x"))))...))}, finding.CRLOtherIssuer},
		"some reasons":      {[][]byte{testpki.CRL(t, w.inter, about(0x83, 2, 7, 0x80))}, finding.CRLUnsupported},
		"attributes":        {[][]byte{testpki.CRL(t, w.inter, about(0x85, 1, 0xff))}, finding.CRLUnsupported},
		"revoked":           {[][]byte{testpki.CRL(t, w.inter, nil, w.leaf)}, finding.Revoked},
		"revoked, by point": {[][]byte{testpki.CRL(t, w.inter, about(distribution()...), w.leaf)}, finding.Revoked},
		"CA revoked":        {[][]byte{testpki.CRL(t, w.inter, nil), testpki.CRL(t, w.root, nil, w.inter)}, finding.Revoked},
		"old and new":       {[][]byte{testpki.CRL(t, w.inter, old), testpki.CRL(t, w.inter, nil)}, ""},
		"old, and revoked":  {[][]byte{testpki.CRL(t, w.inter, old, w.leaf)}, finding.Revoked},
		"no next update":    {[][]byte{testpki.CRL(t, w.inter, old)}, finding.CRLStale},
		"forged":            {[][]byte{testpki.CRL(t, testpki.Root(t, "CA"), nil, w.leaf)}, finding.CRLSignature},
		"forged and right":  {[][]byte{testpki.CRL(t, testpki.Root(t, "CA"), nil, w.leaf), testpki.CRL(t, w.inter, nil)}, ""},
		"SHA-1": {[][]byte{testpki.CRL(t, w.inter, func(l *x509.RevocationList) {
			l.SignatureAlgorithm = x509.ECDSAWithSHA1
		})}, finding.CRLSignature},
		"removed, in a complete list": {[][]byte{testpki.CRL(t, w.inter, func(l *x509.RevocationList) { l.RevokedCertificateEntries[0].ReasonCode = 8 }, w.leaf)}, finding.Revoked},
		"entry extension": {[][]byte{testpki.CRL(t, w.inter, func(l *x509.RevocationList) {
			l.RevokedCertificateEntries[0].ExtraExtensions = []pkix.Extension{{Id: testpki.OID("2.5.29.29"), Critical: true, Value: []byte{0x30, 0}}}
		}, w.inter)}, finding.CRLUnsupported},
	} {
		all, found := lists(t, c.files...)
		found = append(found, New(t.Context(), Query{Lists: all, At: time.Now()}).Check(w.path, true)...)
		if c.want == "" && len(found) > 0 || c.want != "" && !found.Has(c.want) {
			t.Errorf("%s: found %v, want %q", name, found, c.want)
		}
	}
}

func old(l *x509.RevocationList) {
	l.ThisUpdate, l.NextUpdate = time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour)
}

// A CA may sign its CRLs with a separate key if the CA above it says so.
func TestKeyForCRLs(t *testing.T) {
	w := newWorld(t, func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCertSign })
	signs := func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign }
	good := testpki.New(t, "CA", w.root, testpki.CA, signs)
	for name, c := range map[string]struct {
		signer *testpki.Cert
		want   finding.Code
	}{
		"right":        {good, ""},
		"not given":    {w.inter, finding.CRLSignature},
		"other root":   {testpki.New(t, "CA", testpki.Root(t, "Root"), testpki.CA, signs), finding.CRLSignature},
		"expired":      {testpki.New(t, "CA", w.root, testpki.CA, signs, testpki.Valid(-48*time.Hour, -24*time.Hour)), finding.CRLSignature},
		"may not sign": {testpki.New(t, "CA", w.root, testpki.CA, func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCertSign }), finding.CRLSignature},
	} {
		all, found := lists(t, testpki.CRL(t, c.signer, nil))
		found = append(found, New(t.Context(), Query{Lists: all, Others: parsed(t, c.signer), At: time.Now()}).Check(w.path, true)...)
		if c.want == "" && len(found) > 0 || c.want != "" && !found.Has(c.want) {
			t.Errorf("%s: found %v, want %q", name, found, c.want)
		}
	}
}

// A CA with a new key signs its CRLs with that key alone, even for certificates
// that it issued with the old one (PKITS 4.5.1).
func TestKeyRollover(t *testing.T) {
	root := testpki.Root(t, "Root")
	now := testpki.New(t, "CA", root, testpki.CA)
	before := testpki.New(t, "CA", now, testpki.CA)
	leaf := testpki.Leaf(t, before)
	other := testpki.New(t, "CA", testpki.Root(t, "Root"), testpki.CA)
	signs := testpki.New(t, "CA", root, testpki.CA, func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign })
	path := parsed(t, leaf, before, now, root)
	for name, c := range map[string]struct {
		signer  *testpki.Cert
		revoked []*testpki.Cert
		want    finding.Code
	}{
		"new key":                  {now, nil, ""},
		"new key, revoked":         {now, []*testpki.Cert{leaf}, finding.Revoked},
		"other key":                {other, nil, finding.CRLSignature},
		"key for CRLs, higher up":  {signs, nil, ""},
		"key for CRLs and revoked": {signs, []*testpki.Cert{leaf}, finding.Revoked},
	} {
		all, found := lists(t, testpki.CRL(t, c.signer, nil, c.revoked...))
		found = append(found, New(t.Context(), Query{Lists: all, Others: parsed(t, signs, other), At: time.Now()}).Check(path, true)...)
		if c.want == "" && len(found) > 0 || c.want != "" && !found.Has(c.want) {
			t.Errorf("%s: found %v, want %q", name, found, c.want)
		}
	}
}

// A leaf that is trusted directly still has an issuer, unless the leaf is its own
// issuer.
func TestTrustedLeaf(t *testing.T) {
	w := newWorld(t)
	all, _ := lists(t, testpki.CRL(t, w.inter, nil, w.leaf))
	for _, c := range []struct {
		path     *cert.Cert
		complete bool
		want     bool
	}{{w.path[0], true, true}, {w.path[0], false, true}, {w.path[2], true, false}, {w.path[2], false, true}} {
		found := New(t.Context(), Query{Lists: all, At: time.Now()}).Check([]*cert.Cert{c.path}, c.complete)
		if found.Has(finding.CRLOtherIssuer) != c.want {
			t.Errorf("%s, complete %v: found %v", c.path.Name(), c.complete, found)
		}
	}
}

// No signature is checked with a key that is so large that it only wastes time.
func TestHugeKey(t *testing.T) {
	w := newWorld(t)
	all, _ := lists(t, testpki.CRL(t, w.inter, nil))
	huge := new(big.Int).Lsh(big.NewInt(1), cert.MaxRSA)
	issuer := *w.path[1].Certificate
	issuer.PublicKey = &rsa.PublicKey{N: huge.SetBit(huge, 0, 1), E: 65537}
	all[0].SignatureAlgorithm = x509.SHA256WithRSA
	k := Checker{verifier: cert.NewVerifier(time.Minute)}
	if f := k.signedBy(all[0], &cert.Cert{Certificate: &issuer}); f == nil || !strings.Contains(f.why, "not supported") {
		t.Errorf("got %v", f)
	}
}

// A cRLNumber must not be critical (RFC 5280, 5.2.3).
func TestCriticalNumber(t *testing.T) {
	w := newWorld(t)
	all, _ := lists(t, testpki.CRL(t, w.inter, nil))
	for i, e := range all[0].Extensions {
		all[0].Extensions[i].Critical = e.Id.String() == "2.5.29.20"
	}
	if all[0].readExtensions(); !strings.Contains(all[0].refused, "cRLNumber") {
		t.Errorf("got %q", all[0].refused)
	}
}

// A CA whose keyUsage is present but empty may not sign CRLs.
func TestEmptyKeyUsage(t *testing.T) {
	w := newWorld(t, func(c *testpki.Template) { c.KeyUsage = 0 }, testpki.Extension("2.5.29.15", true, []byte{3, 1, 0}))
	all, _ := lists(t, testpki.CRL(t, w.inter, nil))
	if found := New(t.Context(), Query{Lists: all, At: time.Now()}).Check(w.path, true); !found.Has(finding.CRLSignature) {
		t.Errorf("found %v", found)
	}
}
