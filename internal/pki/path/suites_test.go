package path_test

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/path"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// spki replaces the public key by one that nobody has.
func spki(algorithm string, params any, key []byte) testpki.Option {
	return testpki.Edit(func(tbs *testpki.TBS) {
		tbs.Key = asn1.RawValue{FullBytes: der(struct {
			Algorithm pkix.AlgorithmIdentifier
			Key       asn1.BitString
		}{pkix.AlgorithmIdentifier{Algorithm: testpki.OID(algorithm), Parameters: asn1.RawValue{FullBytes: der(params)}}, asn1.BitString{Bytes: key, BitLength: 8 * len(key)}})}
	})
}

func rsaPublic(bits uint, e int) testpki.Option {
	n := new(big.Int).Lsh(big.NewInt(1), bits-1)
	return spki("1.2.840.113549.1.1.1", asn1.NullRawValue, der(struct {
		N *big.Int
		E int
	}{n.SetBit(n, 0, 1), e}))
}

func date(tag int, text string) asn1.RawValue { return asn1.RawValue{Tag: tag, Bytes: []byte(text)} }

func notAfter(v asn1.RawValue) testpki.Option {
	return testpki.Edit(func(tbs *testpki.TBS) { tbs.Validity.NotAfter = v })
}

func subjectOnly(names ...[]byte) []testpki.Option {
	var all []byte
	for _, n := range names {
		all = append(all, n...)
	}
	return list(func(c *testpki.Template) { c.DNSNames = nil }, testpki.Extension("2.5.29.17", false, der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: all})))
}

var (
	curve = der(struct { // explicit parameters, as far as parsers read them
		Version int
		Field   struct{ ID asn1.ObjectIdentifier }
	}{1, struct{ ID asn1.ObjectIdentifier }{testpki.OID("1.2.840.10045.1.1")}})
	point = append([]byte{4}, make([]byte, 64)...)
)

// Cases from public test suites for verifiers (NIST PKITS, BetterTLS, x509-limbo)
// that no other test here covers.
var suites = map[string]struct {
	opts         opts
	ours, strict finding.Code // the expected code, "" for none
}{
	"v1 intermediate":               {opts{inter: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Version, tbs.Extensions = 0, nil }))}, finding.NotCA, finding.NotCA},
	"v1 leaf":                       {opts{leaf: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Version, tbs.Extensions = 0, nil }))}, "", finding.VersionOld},
	"v3 root, no basicConstraints":  {opts{root: list(remove("2.5.29.19"))}, finding.NotCA, finding.NotCA},
	"root may not sign":             {opts{root: list(func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign })}, finding.CAKeyUsage, finding.CAKeyUsage},
	"serial of 21 octets":           {opts{leaf: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Serial = new(big.Int).Lsh(big.NewInt(1), 161) }))}, "", finding.SerialInvalid},
	"explicit curve":                {opts{leaf: list(spki("1.2.840.10045.2.1", asn1.RawValue{FullBytes: curve}, point))}, finding.KeyUnsupported, finding.KeyUnsupported},
	"P-192":                         {opts{leaf: list(spki("1.2.840.10045.2.1", testpki.OID("1.2.840.10045.3.1.1"), point[:49]))}, finding.KeyUnsupported, finding.KeyUnsupported},
	"RSA 512 leaf":                  {opts{leaf: list(rsaPublic(512, 65537))}, "", finding.KeyWeak},
	"RSA exponent 1":                {opts{leaf: list(rsaPublic(2048, 1))}, "", finding.KeyWeak},
	"RSA even exponent":             {opts{leaf: list(rsaPublic(2048, 65538))}, "", finding.KeyWeak},
	"RSA exponent 3":                {opts{leaf: list(rsaPublic(2048, 3))}, "", finding.KeyWeak},
	"RSA not of whole octets":       {opts{leaf: list(rsaPublic(2052, 65537))}, "", finding.KeyWeak},
	"UTCTime without seconds":       {opts{leaf: list(notAfter(date(asn1.TagUTCTime, "4901010000Z")))}, "", finding.ValidityEncoding},
	"UTCTime with an offset":        {opts{leaf: list(notAfter(date(asn1.TagUTCTime, "490101000000+0100")))}, "", finding.ValidityEncoding},
	"GeneralizedTime, offset":       {opts{leaf: list(notAfter(date(asn1.TagGeneralizedTime, "20600101000000+0100")))}, "", finding.ValidityEncoding},
	"GeneralizedTime before 2050":   {opts{leaf: list(notAfter(date(asn1.TagGeneralizedTime, "20490101000000Z")))}, "", finding.ValidityEncoding},
	"GeneralizedTime, fraction":     {opts{leaf: list(notAfter(date(asn1.TagGeneralizedTime, "20600101000000.5Z")))}, finding.CertMalformed, finding.CertMalformed},
	"no well-known end":             {opts{leaf: list(notAfter(date(asn1.TagGeneralizedTime, "99991231235959Z")))}, "", finding.CNNotInSAN},
	"UTCTime of the last century":   {opts{leaf: list(notAfter(date(asn1.TagUTCTime, "500101000000Z")))}, finding.Expired, finding.Expired},
	"critical SKI":                  {opts{inter: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Critical("2.5.29.14", true) }))}, finding.Criticality, finding.Criticality},
	"critical extKeyUsage":          {opts{leaf: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Critical("2.5.29.37", true) }))}, "", finding.Criticality},
	"constraints not critical":      {opts{inter: list(constraints(false, [][]byte{dns("test")}, nil))}, "", finding.Criticality},
	"constraints not critical bind": {opts{inter: list(constraints(false, [][]byte{dns("other")}, nil))}, finding.NameConstraint, finding.NameConstraint},
	"constraints of the leaf":       {opts{leaf: list(constraints(true, [][]byte{dns("other")}, nil))}, "", finding.NameConstraintsX},
	"constraints of another kind":   {opts{inter: list(constraints(true, [][]byte{general(1, []byte("test"))}, nil))}, "", finding.CNNotInSAN},
	"kind that is unknown":          {opts{inter: list(constraints(true, [][]byte{general(8, []byte{42, 3})}, nil))}, "", finding.CNNotInSAN},
	"name of that kind":             {opts{inter: list(constraints(true, [][]byte{general(8, []byte{42, 3})}, nil)), leaf: subjectOnly(dns("app.test"), general(8, []byte{42, 3}))}, finding.NameConstraint, finding.NameConstraint},
	"minimum in constraints":        {opts{inter: list(constraints(true, [][]byte{append(dns("test"), 0x80, 1, 1)}, nil))}, finding.CriticalExtension, finding.CriticalExtension},
	"permitted by one, not both":    {opts{root: list(constraints(true, [][]byte{dns("app.test")}, nil)), inter: list(constraints(true, [][]byte{dns("web.test")}, nil))}, finding.NameConstraint, finding.NameConstraint},
	"constraint on the CA's name":   {opts{root: list(constraints(true, [][]byte{directory(pkix.Name{CommonName: "app"})}, nil))}, finding.NameConstraint, finding.NameConstraint},
	"empty SAN":                     {opts{leaf: subjectOnly()}, "", finding.SANMalformed},
	"address in a dNSName":          {opts{leaf: subjectOnly(dns("10.0.0.1"))}, "", finding.SANMalformed},
	"wildcard below com":            {opts{leaf: subjectOnly(dns("*.com"))}, "", finding.WildcardSuffix},
	"wildcard in an A-label":        {opts{leaf: subjectOnly(dns("xn--*.app.test"))}, "", finding.WildcardForm},
	"wildcard within a label":       {opts{leaf: subjectOnly(dns("a*b.app.test"))}, "", finding.WildcardForm},
	"wildcard not leftmost":         {opts{leaf: subjectOnly(dns("app.*.test"))}, "", finding.WildcardForm},
	"leaf is a CA":                  {opts{leaf: list(testpki.CA, testpki.Names("app.test"))}, "", finding.LeafIsCA},
	"path length negative": {opts{inter: list(testpki.Edit(func(tbs *testpki.TBS) {
		tbs.Remove("2.5.29.19")
		tbs.Extensions = append(tbs.Extensions, pkix.Extension{Id: testpki.OID("2.5.29.19"), Critical: true, Value: []byte{0x30, 6, 1, 1, 0xff, 2, 1, 0xff}})
	}))}, finding.CertMalformed, finding.CertMalformed},
	"malformed AIA":             {opts{leaf: list(testpki.Extension("1.3.6.1.5.5.7.1.1", false, []byte{0x30, 2, 5, 0}))}, finding.CertMalformed, finding.CertMalformed},
	"empty certificatePolicies": {opts{leaf: list(testpki.Extension("2.5.29.32", false, []byte{0x30, 0}))}, "", finding.Policy},
	"empty policyConstraints":   {opts{inter: list(testpki.Extension("2.5.29.36", true, []byte{0x30, 0}))}, "", finding.Policy},
	"policy twice":              {opts{leaf: list(policiesOf(p1, p1))}, finding.CertMalformed, finding.CertMalformed},
}

func TestSuites(t *testing.T) {
	for name, c := range suites {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			for _, strict := range []bool{false, true} {
				want := c.ours
				if strict {
					want = c.strict
				}
				if found := ours(t, three(t, c.opts), strict); want == "" && len(found) > 0 || want != "" && !found.Has(want) {
					t.Errorf("strict %v: found %v, want %q", strict, found, want)
				}
			}
		})
	}
}

// The first and the last second of the validity are within it (RFC 5280, 4.1.2.5).
func TestValidityBounds(t *testing.T) {
	q := query(t, three(t, opts{}))
	for _, c := range []struct {
		at   time.Time
		want finding.Code
	}{
		{q.Leaf.NotBefore, ""}, {q.Leaf.NotAfter, ""},
		{q.Leaf.NotBefore.Add(-time.Second), finding.NotYetValid}, {q.Leaf.NotAfter.Add(time.Second), finding.Expired},
	} {
		q.At = c.at
		if r := path.Find(t.Context(), q); c.want == "" && len(r.Findings) > 0 || c.want != "" && !r.Findings.Has(c.want) {
			t.Errorf("%v: found %v, want %q", c.at, r.Findings, c.want)
		}
	}
}

// A CA whose key is too weak for its signatures to be checked is reported as that.
func TestWeakIssuer(t *testing.T) {
	for name, option := range map[string]testpki.Option{"RSA 512": rsaPublic(512, 65537), "exponent 1": rsaPublic(2048, 1), "even exponent": rsaPublic(2048, 65538)} {
		root := testpki.Root(t, "Root")
		key := rsaKey(t)
		inter := testpki.New(t, "Intermediate", root, testpki.CA, func(c *testpki.Template) { c.Key = key })
		leaf := testpki.Leaf(t, inter)
		inter = testpki.New(t, "Intermediate", root, testpki.CA, func(c *testpki.Template) { c.SubjectKeyId = inter.KeyID }, option)
		if found := ours(t, chain{[]*testpki.Cert{root}, []*testpki.Cert{inter}, leaf}, false); len(found) != 1 || !found.Has(finding.UnknownSignature) {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

// Of several paths, the search finds the one without a fault, wherever it branches
// off (BetterTLS, path building).
func TestBacktracking(t *testing.T) {
	old := testpki.Valid(-48*time.Hour, -24*time.Hour)
	rootA, rootB := testpki.Root(t, "Root A"), testpki.Root(t, "Root B")
	upper := testpki.New(t, "Upper", rootA, testpki.CA)
	same := func(c *testpki.Cert) testpki.Option { return func(t *testpki.Template) { t.Key = c.Key } }
	lower := testpki.New(t, "Lower", upper, testpki.CA)
	leaf := testpki.Leaf(t, lower)
	bad := map[string]testpki.Option{
		"expired":          old,
		"no CA":            func(c *testpki.Template) { c.IsCA, c.KeyUsage, c.MaxPathLen = false, 0, 0 },
		"may not sign":     func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign },
		"constrained":      constraints(true, [][]byte{dns("other.test")}, nil),
		"excluding":        constraints(true, nil, [][]byte{dns("app.test")}),
		"malformed":        constraints(true, nil, [][]byte{dns("*.app.test")}),
		"critical unknown": testpki.Extension("1.2.3.4", true, []byte{5, 0}),
		"forged":           func(c *testpki.Template) { c.Forge = true },
		"other key":        func(c *testpki.Template) { c.Key = testpki.Key(t) },
		"policy":           demand,
		"path length":      func(c *testpki.Template) { c.MaxPathLen, c.MaxPathLenZero = 0, true },
	}
	for name, fault := range bad {
		// Upper is there twice, the second time cross-signed by the other root and with
		// the fault; Lower too.
		crossed := testpki.New(t, "Upper", rootB, testpki.CA, same(upper), fault)
		sibling := testpki.New(t, "Lower", upper, testpki.CA, same(lower), fault)
		if name == "path length" {
			sibling = testpki.New(t, "Lower", upper, testpki.CA, same(lower), old)
		}
		for _, inters := range [][]*testpki.Cert{{crossed, sibling, lower, upper}, {upper, lower, crossed, sibling}, {sibling, lower, crossed, upper}} {
			c := chain{[]*testpki.Cert{rootB, rootA}, inters, leaf}
			if found := ours(t, c, false); len(found) > 0 {
				t.Errorf("%s: found %v", name, found)
			}
			c.inters = []*testpki.Cert{crossed, sibling}
			if found := ours(t, c, false); !found.Failed() {
				t.Errorf("%s: without the right ones it is good", name)
			}
		}
	}
}
