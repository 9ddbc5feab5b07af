package path_test

import (
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/path"
	"github.com/initbox/initbox/internal/pki/profile"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// A chain is a root, the certificates that are sent with the leaf, and the leaf.
type chain struct {
	roots, inters []*testpki.Cert
	leaf          *testpki.Cert
}

// opts are options for the certificates of the usual chain of three.
type opts struct{ root, inter, leaf []testpki.Option }

func three(t *testing.T, o opts) chain {
	root := testpki.Root(t, "Root", o.root...)
	inter := testpki.New(t, "Intermediate", root, append([]testpki.Option{testpki.CA}, o.inter...)...)
	return chain{[]*testpki.Cert{root}, []*testpki.Cert{inter}, testpki.Leaf(t, inter, o.leaf...)}
}

// ours is our verdict, without and with the rules of --strict.
func ours(t *testing.T, c chain, strict bool) finding.List {
	q := path.Query{At: time.Now()}
	var found finding.List
	parse := func(cs ...*testpki.Cert) (out []*cert.Cert) {
		for i, x := range cs {
			p, l := cert.Parse(x.DER, "x", i+1)
			found = append(found, l...)
			if p != nil {
				out = append(out, p)
			}
		}
		return out
	}
	q.CAs, q.Intermediates = parse(c.roots...), parse(c.inters...)
	leaf := parse(c.leaf)
	if len(found) > 0 {
		return found
	}
	q.Leaf = leaf[0]
	r := path.Find(t.Context(), q)
	found = r.Findings
	if strict {
		found = append(found, profile.Check(r.Path, r.Complete, true)...)
	}
	return found
}

// goAccepts is the verdict of crypto/x509.
func goAccepts(c chain) error {
	pool := func(cs []*testpki.Cert) (*x509.CertPool, error) {
		p := x509.NewCertPool()
		for _, x := range cs {
			parsed, err := x509.ParseCertificate(x.DER)
			if err != nil {
				return nil, err
			}
			p.AddCert(parsed)
		}
		return p, nil
	}
	roots, err := pool(c.roots)
	if err != nil {
		return err
	}
	inters, err := pool(c.inters)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(c.leaf.DER)
	if err != nil {
		return err
	}
	_, err = leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: inters, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return err
}

func constraints(critical bool, permitted, excluded [][]byte) testpki.Option {
	tree := func(tag int, names [][]byte) []byte {
		var all []byte
		for _, n := range names {
			all = append(all, der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: n})...)
		}
		if len(names) == 0 {
			return nil
		}
		return der(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: all})
	}
	body := append(tree(0, permitted), tree(1, excluded)...)
	return testpki.Extension("2.5.29.30", critical, der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: body}))
}

func general(tag int, value []byte) []byte {
	return der(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: tag == 4, Bytes: value})
}

func dns(name string) []byte { return general(2, []byte(name)) }

func directory(n pkix.Name) []byte { return general(4, der(n.ToRDNSequence())) }

func der(v any) []byte {
	b, err := asn1.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// name encodes a common name as the type of string that tag says.
func name(tag int, text string) asn1.RawValue {
	value := der(asn1.RawValue{Tag: tag, Bytes: []byte(text)})
	attribute := der(struct {
		Type  asn1.ObjectIdentifier
		Value asn1.RawValue
	}{testpki.OID("2.5.4.3"), asn1.RawValue{FullBytes: value}})
	set := der(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: attribute})
	return asn1.RawValue{FullBytes: der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: set})}
}

func issuedBy(n asn1.RawValue) testpki.Option {
	return testpki.Edit(func(tbs *testpki.TBS) { tbs.Issuer = n })
}

func remove(oid string) testpki.Option {
	return testpki.Edit(func(t *testpki.TBS) { t.Remove(oid) })
}

func notCritical(oid string) testpki.Option {
	return testpki.Edit(func(t *testpki.TBS) { t.Critical(oid, false) })
}

// list makes the options of a case.
func list(o ...testpki.Option) []testpki.Option { return o }

// A difference is a chain, who accepts it, and what we report. A code is "" for
// nothing.
type difference struct {
	name         string
	chain        chain
	goOK, sslOK  bool
	ours, strict finding.Code
	why          string
}

// The cases where crypto/x509 and openssl verify -x509_strict differ, with our
// verdict and the reason.
func differences(t *testing.T) []difference {
	org := func(o string) pkix.Name { return pkix.Name{Organization: []string{o}} }
	return []difference{
		{"issuer in other case", three(t, opts{leaf: list(issuedBy(name(asn1.TagPrintableString, "INTERMEDIATE")))}), false, true, "", finding.CNNotInSAN,
			"RFC 5280, 7.1: names are equal without regard to case; Go compares bytes"},
		{"issuer as UTF8String", three(t, opts{leaf: list(issuedBy(name(asn1.TagUTF8String, " Intermediate ")))}), false, true, "", finding.CNNotInSAN,
			"RFC 5280, 7.1: nor to the kind of string and runs of blanks"},
		{"self-issued CA does not count", selfIssued(t), false, true, "", finding.CNNotInSAN,
			"RFC 5280, 4.2.1.9: self-issued certificates do not count for the path length; Go counts them"},
		{"directory constraint kept", three(t, opts{inter: list(constraints(true, [][]byte{directory(org("Shop"))}, nil)), leaf: list(func(c *testpki.Template) { c.Subject = org("Shop") })}), false, true, "", "",
			"RFC 5280, 4.2.1.10 demands that directory names be understood; Go calls them an unknown critical extension"},
		{"directory constraint broken", three(t, opts{inter: list(constraints(true, [][]byte{directory(org("Shop"))}, nil))}), false, false, finding.NameConstraint, finding.NameConstraint, ""},
		{"CA file with an intermediate alone", partial(t), true, false, finding.CAIsIntermediate, finding.CAIsIntermediate,
			"clients on OpenSSL refuse it, so a pod would find out later; --partial-chain allows it"},
		{"no authorityKeyIdentifier", three(t, opts{leaf: list(remove("2.5.29.35"))}), true, false, "", finding.AKIMissing, "a rule for who issues: --strict"},
		{"no subjectKeyIdentifier", three(t, opts{inter: list(remove("2.5.29.14"))}), true, false, "", finding.SKIMissing, "a rule for who issues: --strict"},
		{"authorityKeyIdentifier of another key", three(t, opts{leaf: list(testpki.Edit(func(tbs *testpki.TBS) {
			tbs.Remove("2.5.29.35")
			tbs.Extensions = append(tbs.Extensions, pkix.Extension{Id: testpki.OID("2.5.29.35"), Value: []byte{0x30, 4, 0x80, 2, 1, 2}})
		}))}), true, false, "", finding.AKIMismatch, "it helps to find the issuer (RFC 5280, 6.1 does not look at it); the signature decides"},
		{"basicConstraints not critical", three(t, opts{inter: list(notCritical("2.5.29.19"))}), true, false, "", finding.Criticality, "a rule for who issues: --strict"},
		{"CA without keyUsage", three(t, opts{inter: list(remove("2.5.29.15"))}), true, false, "", finding.KeyUsageOdd, "a rule for who issues: --strict"},
		{"leaf with keyCertSign", three(t, opts{leaf: list(func(c *testpki.Template) { c.KeyUsage |= x509.KeyUsageCertSign })}), true, false, "", finding.KeyUsageOdd, "a rule for who issues: --strict"},
		{"leaf with a path length", three(t, opts{leaf: list(testpki.Extension("2.5.29.19", true, []byte{0x30, 3, 2, 1, 0}))}), true, false, "", finding.ConstraintsOdd, "a rule for who issues: --strict"},
		{"empty subject, SAN not critical", three(t, opts{leaf: list(func(c *testpki.Template) { c.Subject = pkix.Name{} }, notCritical("2.5.29.17"))}), true, false, "", finding.Criticality, "a rule for who issues: --strict"},
		{"CA without a name", nameless(t), true, false, "", finding.NameEmpty, "a rule for who issues: --strict"},
		{"root of version 1", three(t, opts{root: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Version, tbs.Extensions = 0, nil }))}), true, false, "", finding.VersionOld, "a trust anchor needs no extensions (RFC 5280, 6.1.1 d)"},
		{"negative serial number", three(t, opts{leaf: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Serial = big.NewInt(-1) }))}), false, true, finding.SerialNegative, finding.SerialNegative, "RFC 5280, 4.1.2.2: a positive integer; Go clients fail"},
		{"SHA-1", sha1Chain(t), false, true, finding.WeakSignature, finding.WeakSignature, "forgeable since 2020; Go clients fail"},
		{"name constraint against the CN", three(t, opts{inter: list(constraints(true, [][]byte{dns("good.test")}, nil)), leaf: list(func(c *testpki.Template) { c.DNSNames, c.Subject.CommonName = nil, "evil.test" })}), true, false, "", finding.CNOnly,
			"the common name is no name for a server (RFC 9525), so nothing is gained by it"},
		{"DNS constraint with a dot", three(t, opts{inter: list(constraints(true, [][]byte{dns(".test")}, nil))}), true, true, "", finding.NameConstraintsX, "RFC 5280 has no such form, but all take it as the domains below"},
		{"critical AKI", three(t, opts{leaf: list(testpki.Edit(func(tbs *testpki.TBS) { tbs.Critical("2.5.29.35", true) }))}), false, false, finding.Criticality, finding.Criticality, ""},
		{"unknown critical extension of the root", three(t, opts{root: list(testpki.Extension("1.2.3.4", true, []byte{5, 0}))}), false, false, finding.CriticalExtension, finding.CriticalExtension, ""},
		{"expired root", three(t, opts{root: list(testpki.Valid(-48*time.Hour, -24*time.Hour))}), false, false, finding.Expired, finding.Expired, ""},
		{"root whose own signature is damaged", three(t, opts{root: list(func(c *testpki.Template) { c.Forge = true })}), true, true, "", finding.CNNotInSAN, ""},
		{"excluded wildcard", three(t, opts{inter: list(constraints(true, nil, [][]byte{dns("a.test")})), leaf: list(testpki.Names("*.test"))}), false, true, finding.NameConstraint, finding.NameConstraint,
			"the wildcard stands for a.test, which the CA may not issue for; OpenSSL compares the star as a label"},
		{"extended key usage not nested", three(t, opts{inter: list(func(c *testpki.Template) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} })}), true, true, "", finding.CNNotInSAN, "only looked at for --usage"},
		{"distribution point with a relative name", three(t, opts{leaf: list(testpki.Extension("2.5.29.31", false, relativePoint()))}), false, true, finding.CertMalformed, finding.CertMalformed,
			"RFC 5280, 4.2.1.13 allows it; crypto/x509 does not parse the certificate, so initbox says that of itself"},
		{"old root certificate beside the new", twoRoots(t), true, true, "", finding.CNNotInSAN, ""},
	}
}

// openssl_test.go tests the verdict of openssl.
func TestDifferences(t *testing.T) {
	for _, c := range differences(t) {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			if err := goAccepts(c.chain); (err == nil) != c.goOK {
				t.Errorf("Go: %v, want accepted %v", err, c.goOK)
			}
			for _, strict := range []bool{false, true} {
				want := c.ours
				if strict {
					want = c.strict
				}
				found := ours(t, c.chain, strict)
				if want == "" && len(found) > 0 || want != "" && !found.Has(want) {
					t.Errorf("strict %v: we found %v, want %q", strict, found, want)
				}
			}
			if c.goOK != c.sslOK && c.why == "" {
				t.Error("say why")
			}
		})
	}
}

// relativePoint is a cRLDistributionPoints with a nameRelativeToCRLIssuer.
func relativePoint() []byte {
	attribute := der(struct {
		Type  asn1.ObjectIdentifier
		Value string `asn1:"printable"`
	}{testpki.OID("2.5.4.3"), "CRL1"})
	for _, tag := range []int{1, 0} {
		attribute = der(asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: tag, IsCompound: true, Bytes: attribute})
	}
	for range 2 {
		attribute = der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: attribute})
	}
	return attribute
}

// A form that Go does not read is reported as such, not as damage; damage is still
// reported as damage.
func TestRelativePoint(t *testing.T) {
	for _, c := range []struct {
		value []byte
		named bool
	}{{relativePoint(), true}, {[]byte{0x30, 4, 0x30, 2, 0xa0, 0}, false}, {[]byte{5, 0}, false}} {
		found := ours(t, three(t, opts{leaf: list(testpki.Extension("2.5.29.31", false, c.value))}), false)
		if len(found) != 1 || !found.Has(finding.CertMalformed) || strings.Contains(found[0].Detail, "nameRelativeToCRLIssuer") != c.named || strings.Contains(found[0].Next, "full name") != c.named {
			t.Errorf("%x: found %v, next %q", c.value, found, found[0].Next)
		}
	}
}

// selfIssued makes a CA that has changed its key: the old key signed the new one.
func selfIssued(t *testing.T) chain {
	root := testpki.Root(t, "Root", func(c *testpki.Template) { c.MaxPathLen = 1 })
	old := testpki.New(t, "Intermediate", root, testpki.CA)
	middle := testpki.New(t, "Intermediate", old, testpki.CA, func(c *testpki.Template) { c.AuthorityKeyId = old.KeyID })
	return chain{[]*testpki.Cert{root}, []*testpki.Cert{old, middle}, testpki.Leaf(t, middle)}
}

func partial(t *testing.T) chain {
	c := three(t, opts{})
	return chain{c.inters, nil, c.leaf}
}

func nameless(t *testing.T) chain {
	root := testpki.Root(t, "Root")
	inter := testpki.New(t, "", root, testpki.CA)
	return chain{[]*testpki.Cert{root}, []*testpki.Cert{inter}, testpki.Leaf(t, inter)}
}

func twoRoots(t *testing.T) chain {
	c := three(t, opts{})
	old := testpki.Root(t, "Root", testpki.Valid(-48*time.Hour, -24*time.Hour), func(x *testpki.Template) { x.Key = c.roots[0].Key })
	c.roots = append([]*testpki.Cert{old}, c.roots...)
	slices.Reverse(c.roots)
	return c
}

func sha1Chain(t *testing.T) chain {
	key := rsaKey(t)
	root := testpki.Root(t, "Root")
	inter := testpki.New(t, "Intermediate", root, testpki.CA, func(c *testpki.Template) { c.Key = key })
	leaf := testpki.New(t, "app", inter, testpki.Names("app.test"))
	leaf.DER = testpki.SignSHA1(t, leaf.DER, key)
	return chain{[]*testpki.Cert{root}, []*testpki.Cert{inter}, leaf}
}

func rsaKey(t *testing.T) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(nil, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
