package crl

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// named is the name of a distribution point, as certificates and CRLs contain it.
func named(names ...[]byte) []byte {
	return raw(2, 0, true, raw(2, 0, true, join(names...)))
}

func join(parts ...[]byte) (all []byte) {
	for _, p := range parts {
		all = append(all, p...)
	}
	return all
}

func at(uri string) []byte { return raw(2, 6, false, []byte(uri)) }

// directory is a directory name of common names, the topmost first.
func directory(tag int, names ...string) []byte {
	var all []byte
	for _, n := range names {
		all = append(all, raw(0, asn1.TagSet, true, attribute(tag, n))...)
	}
	return raw(2, 4, true, raw(0, asn1.TagSequence, true, all))
}

func attribute(tag int, name string) []byte {
	id, err := asn1.Marshal(testpki.OID("2.5.4.3"))
	if err != nil {
		panic(err)
	}
	return raw(0, asn1.TagSequence, true, join(id, raw(0, tag, false, []byte(name))))
}

// pointed makes the cRLDistributionPoints of a certificate.
func pointed(points ...[]byte) testpki.Option {
	var all []byte
	for _, p := range points {
		all = append(all, raw(0, asn1.TagSequence, true, p)...)
	}
	return testpki.Extension("2.5.29.31", false, raw(0, asn1.TagSequence, true, all))
}

// Names decide which distribution point a CRL is for, not bytes that occur
// somewhere (RFC 5280, 5.2.5 and 6.3.3 b).
func TestPoints(t *testing.T) {
	const printable, utf8 = asn1.TagPrintableString, asn1.TagUTF8String
	w := newWorld(t)
	relative := raw(2, 0, true, raw(2, 1, true, attribute(printable, "CRL1")))
	issuedBy := func(name []byte) []byte { return raw(2, 2, true, name) }
	some, rest := []byte{0x81, 2, 0, 0x40}, []byte{0x81, 3, 7, 0x3f, 0x80} // keyCompromise, and all others
	a, b := at("http://crl.test/a"), at("http://crl.test/b")
	for name, c := range map[string]struct {
		points []testpki.Option
		of     [][]byte // the issuingDistributionPoint of each CRL
		want   finding.Code
	}{
		"none, whole list":               {nil, [][]byte{nil}, ""},
		"same":                           {[]testpki.Option{pointed(named(a))}, [][]byte{named(a)}, ""},
		"second of two":                  {[]testpki.Option{pointed(named(b), named(a))}, [][]byte{named(a)}, ""},
		"one of its names":               {[]testpki.Option{pointed(named(b, a))}, [][]byte{named(at("x"), a)}, ""},
		"another":                        {[]testpki.Option{pointed(named(a))}, [][]byte{named(b)}, finding.CRLOtherIssuer},
		"none, a point":                  {nil, [][]byte{named(a)}, finding.CRLOtherIssuer},
		"name within another":            {[]testpki.Option{pointed(named(at("x" + string(a))))}, [][]byte{named(a)}, finding.CRLOtherIssuer},
		"name of the CRL's issuer":       {[]testpki.Option{pointed(join(named(b), issuedBy(a)))}, [][]byte{named(a)}, finding.CRLOtherIssuer},
		"point of an indirect CRL":       {[]testpki.Option{pointed(join(named(a), issuedBy(directory(printable, "Other"))))}, [][]byte{named(a)}, finding.CRLOtherIssuer},
		"relative in the CRL":            {[]testpki.Option{pointed(named(directory(printable, "CA", "CRL1")))}, [][]byte{relative}, ""},
		"relative in the CRL, elsewhere": {[]testpki.Option{pointed(named(directory(printable, "Elsewhere", "CRL1")))}, [][]byte{relative}, finding.CRLOtherIssuer},
		"other case and kind of string":  {[]testpki.Option{pointed(named(directory(utf8, "ca", " crl1")))}, [][]byte{relative}, ""},
		"none, name of the issuer":       {nil, [][]byte{named(directory(printable, "CA"))}, ""},
		"a point, name of the issuer":    {[]testpki.Option{pointed(named(b))}, [][]byte{named(directory(utf8, "CA"))}, ""},
		"none, name of another":          {nil, [][]byte{named(directory(printable, "CB"))}, finding.CRLOtherIssuer},
		"some reasons":                   {[]testpki.Option{pointed(join(named(a), some))}, [][]byte{named(a)}, finding.CRLUnsupported},
		"some reasons and the rest":      {[]testpki.Option{pointed(join(named(a), some), join(named(b), rest))}, [][]byte{named(a), named(b)}, ""},
		"some reasons, whole list":       {[]testpki.Option{pointed(join(named(a), some))}, [][]byte{nil}, ""},
		"CAs of its point alone":         {[]testpki.Option{pointed(named(a))}, [][]byte{join(named(a), []byte{0x82, 1, 0xff})}, finding.CRLOtherIssuer},
		"point that cannot be read":      {[]testpki.Option{pointed(named(a))}, [][]byte{raw(2, 0, true, a)}, finding.CRLUnsupported},
	} {
		leaf := testpki.Leaf(t, w.inter, c.points...)
		for _, revoked := range [][]*testpki.Cert{nil, {leaf}} {
			var files [][]byte
			for _, of := range c.of {
				var extensions []pkix.Extension
				if of != nil {
					extensions = append(extensions, extension("2.5.29.28", true, raw(0, 16, true, of)...))
				}
				files = append(files, testpki.CRL(t, w.inter, with(extensions...), revoked...))
			}
			want := c.want
			if revoked != nil && (want == "" || name == "some reasons") { // a listed certificate is revoked
				want = finding.Revoked
			}
			all, found := lists(t, files...)
			found = append(found, New(t.Context(), Query{Lists: all, At: time.Now()}).Check(parsed(t, leaf, w.inter, w.root), true)...)
			if want == "" && len(found) > 0 || want != "" && (len(found) != 1 || !found.Has(want)) {
				t.Errorf("%s, %d revoked: found %v, want %q", name, len(revoked), found, want)
			}
		}
	}
}

// A CRL of the right issuer that covers other certificates is reported as such,
// with the CRL to add.
func TestAboutOthers(t *testing.T) {
	w := newWorld(t)
	plain := testpki.Leaf(t, w.inter)
	for name, c := range map[string]struct {
		path         []*cert.Cert
		scopes       [][]byte
		detail, next string
	}{
		"CAs alone":     {w.path, [][]byte{{0x82, 1, 0xff}}, "about CAs only", "about leaves: the certificate names " + point},
		"another point": {w.path, [][]byte{named(at("http://x"))}, "about the distribution point http://x only", "names " + point},
		"two":           {w.path, [][]byte{named(at("http://x")), {0x82, 1, 0xff}}, "x only, and 1 more are not", "names " + point},
		"no point":      {parsed(t, plain, w.inter, w.root), [][]byte{named(at("http://x"))}, "http://x only", "that is about leaves"},
		"of a CA":       {w.path[1:], [][]byte{{0x81, 1, 0xff}}, "about leaves only", "that is about CAs"},
	} {
		issuer := w.inter
		if c.path[0].IsCA {
			issuer = w.root
		}
		var files [][]byte
		for _, s := range c.scopes {
			files = append(files, testpki.CRL(t, issuer, about(s...)))
		}
		all, _ := lists(t, files...)
		found := New(t.Context(), Query{Lists: all, At: time.Now()}).Check(c.path, true)
		if len(found) != 1 || found[0].Code != finding.CRLOtherIssuer || !strings.Contains(found[0].Detail, "the CRL of its issuer (f block 1)") ||
			!strings.Contains(found[0].Detail, c.detail) || !strings.Contains(found[0].Next, c.next) {
			t.Errorf("%s: found %v, next %q", name, found, found[0].Next)
		}
	}
	// --strict demands CRLs for CAs too.
	all, _ := lists(t, testpki.CRL(t, w.inter, nil), testpki.CRL(t, w.root, about(0x81, 1, 0xff)))
	found := New(t.Context(), Query{Lists: all, At: time.Now(), All: true}).Check(w.path, true)
	if len(found) != 1 || found[0].Code != finding.CRLMissing || !strings.Contains(found[0].Detail, "leaves only") {
		t.Errorf("found %v", found)
	}
}
