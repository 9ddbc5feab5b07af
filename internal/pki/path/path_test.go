package path_test

import (
	"crypto/x509"
	"encoding/asn1"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// Names inside and outside the subtrees of name constraints.
var nameConstraints = []struct {
	permitted, excluded, name []byte
	good                      bool
}{
	{dns("shop.test"), nil, dns("shop.test"), true},
	{dns("shop.test"), nil, dns("a.b.shop.test"), true},
	{dns("shop.test"), nil, dns("SHOP.Test"), true},
	{dns("shop.test"), nil, dns("workshop.test"), false},
	{dns("shop.test"), nil, dns("test"), false},
	{dns("shop.test"), nil, dns("*.shop.test"), true},
	{dns("a.shop.test"), nil, dns("*.shop.test"), false},
	{nil, dns("shop.test"), dns("a.shop.test"), false},
	{nil, dns("shop.test"), dns("shop.example"), true},
	{nil, dns("a.shop.test"), dns("*.shop.test"), false},
	{nil, dns("a.b.shop.test"), dns("*.shop.test"), true},
	{nil, dns(""), dns("anything"), false},
	{dns("test"), dns("bad.test"), dns("x.bad.test"), false},
	{dns("test"), dns("bad.test"), dns("good.test"), true},
	{dns("shop.test"), nil, address("10.0.0.1"), true}, // other kinds are not constrained
	{subtree("10.0.0.0/8"), nil, address("10.1.2.3"), true},
	{subtree("10.0.0.0/8"), nil, address("11.1.2.3"), false},
	{subtree("10.0.0.0/8"), nil, address("fd00::1"), false},
	{nil, subtree("fd00::/8"), address("fd12::1"), false},
	{nil, subtree("fd00::/8"), address("10.0.0.1"), true},
	// The number of octets decides the family, also for ::ffff:10.0.0.1.
	{subtree("10.0.0.0/8"), nil, address("::ffff:10.0.0.1"), false},
	{nil, subtree("10.0.0.0/8"), address("::ffff:10.0.0.1"), true},
	{nil, subtree("::/0"), address("::ffff:10.0.0.1"), false},
	{subtree("::/0"), nil, address("::ffff:10.0.0.1"), true},
	{nil, subtree("0.0.0.0/0"), address("10.0.0.1"), false},
	{email("shop.test"), nil, email("a@shop.test"), true},
	{email("shop.test"), nil, email("a@x.shop.test"), false},
	{email(".shop.test"), nil, email("a@x.shop.test"), true},
	{email("a@shop.test"), nil, email("a@shop.test"), true},
	{email("a@shop.test"), nil, email("A@shop.test"), false},
	{nil, email("shop.test"), email("a@SHOP.test"), false},
	{uri("shop.test"), nil, uri("spiffe://shop.test/x"), true},
	{uri("shop.test"), nil, uri("spiffe://a.shop.test/x"), false},
	{uri(".shop.test"), nil, uri("https://a.shop.test:443/x"), true},
	{uri("shop.test"), nil, uri("urn:x"), false},
	{nil, uri("shop.test"), uri("https://10.0.0.1/"), false},
	{nil, uri("shop.test"), uri("https://shop.example/"), true},
	// A malformed name is within no permitted subtree and within every excluded one.
	{dns("shop.test"), nil, dns("a..shop.test"), false},
	{dns("shop.test"), nil, dns(".shop.test"), false},
	{dns("shop.test"), nil, dns("a b.shop.test"), false},
	{dns("shop.test"), nil, dns("shop.test."), true},
	{dns(""), nil, dns("my_app.test"), true},
	{dns(""), nil, dns("a..test"), false},
	{nil, dns("bad.test"), dns("a..test"), false},
	{nil, dns("bad.test"), dns("*.*.test"), false},
	{nil, email("shop.test"), email("a@shop.test."), false},
	{nil, email("shop.test"), email("a@b c"), false},
	{nil, email("shop.test"), email("a@[10.0.0.1]"), false},
	{email("a@shop.test"), nil, email("a@SHOP.test."), true},
}

func TestNameConstraints(t *testing.T) {
	for _, c := range nameConstraints {
		for _, direct := range []bool{true, false} { // in the root, and in the intermediate
			o := opts{leaf: list(func(x *testpki.Template) { x.DNSNames = nil }, testpki.Extension("2.5.29.17", false, der(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: c.name})))}
			var permitted, excluded [][]byte
			if c.permitted != nil {
				permitted = [][]byte{c.permitted}
			}
			if c.excluded != nil {
				excluded = [][]byte{c.excluded}
			}
			if direct {
				o.root = list(constraints(true, permitted, excluded))
			} else {
				o.inter = list(constraints(true, permitted, excluded))
			}
			if found := ours(t, three(t, o), false); found.Has(finding.NameConstraint) == c.good || len(found) > 1 {
				t.Errorf("%q permitted, %q excluded, %q: found %v, want good %v", c.permitted, c.excluded, c.name, found, c.good)
			}
		}
	}
}

func email(s string) []byte { return general(1, []byte(s)) }
func uri(s string) []byte   { return general(6, []byte(s)) }

// subtree is a range of addresses in CIDR form, as a constraint has it.
func subtree(s string) []byte {
	p := netip.MustParsePrefix(s)
	return general(7, append(p.Masked().Addr().AsSlice(), net.CIDRMask(p.Bits(), p.Addr().BitLen())...))
}

func address(s string) []byte { return general(7, netip.MustParseAddr(s).AsSlice()) }

// policiesOf encodes certificatePolicies.
func policiesOf(oids ...string) testpki.Option {
	type info struct{ ID asn1.ObjectIdentifier }
	var all []info
	for _, o := range oids {
		all = append(all, info{testpki.OID(o)})
	}
	return testpki.Extension("2.5.29.32", false, der(all))
}

func mapping(from, to string) testpki.Option {
	type pair struct{ From, To asn1.ObjectIdentifier }
	return testpki.Extension("2.5.29.33", true, der([]pair{{testpki.OID(from), testpki.OID(to)}}))
}

// What CAs can state about policies.
var (
	demand   = testpki.Extension("2.5.29.36", true, []byte{0x30, 3, 0x80, 1, 0})
	demand1  = testpki.Extension("2.5.29.36", true, []byte{0x30, 3, 0x80, 1, 1})
	demand5  = testpki.Extension("2.5.29.36", true, []byte{0x30, 3, 0x80, 1, 5})
	noMap    = testpki.Extension("2.5.29.36", true, []byte{0x30, 6, 0x80, 1, 0, 0x81, 1, 0})
	noAny    = testpki.Extension("2.5.29.54", true, []byte{2, 1, 0})
	p1, p2   = "1.3.6.1.4.1.99999.1", "1.3.6.1.4.1.99999.2"
	anyOf    = "2.5.29.32.0"
	policyOK = map[bool]string{true: "good", false: "bad"}
)

// The processing of RFC 5280, 6.1.3 to 6.1.5, compared with crypto/x509, which
// does the same for chains like these.
func TestPolicies(t *testing.T) {
	for name, c := range map[string]struct {
		chain chain
		good  bool
	}{
		"none":                      {three(t, opts{}), true},
		"not demanded":              {three(t, opts{inter: list(policiesOf(p1)), leaf: list(policiesOf(p2))}), true},
		"demanded, none":            {three(t, opts{inter: list(demand, policiesOf(p1))}), false},
		"demanded, same":            {three(t, opts{inter: list(demand, policiesOf(p1)), leaf: list(policiesOf(p1))}), true},
		"demanded, other":           {three(t, opts{inter: list(demand, policiesOf(p1)), leaf: list(policiesOf(p2))}), false},
		"demanded, CA has any":      {three(t, opts{inter: list(demand, policiesOf(anyOf)), leaf: list(policiesOf(p2))}), true},
		"demanded, leaf has any":    {three(t, opts{inter: list(demand, policiesOf(p1)), leaf: list(policiesOf(anyOf))}), true},
		"demanded of the next":      {three(t, opts{inter: list(demand1)}), false},
		"demanded later":            {three(t, opts{inter: list(demand5)}), true},
		"demanded by the leaf":      {three(t, opts{leaf: list(demand)}), false},
		"mapped":                    {three(t, opts{inter: list(demand, policiesOf(p1), mapping(p1, p2)), leaf: list(policiesOf(p2))}), true},
		"mapped, leaf has the old":  {three(t, opts{inter: list(demand, policiesOf(p1), mapping(p1, p2)), leaf: list(policiesOf(p1))}), false},
		"mapped from any":           {three(t, opts{inter: list(demand, policiesOf(p1), mapping(anyOf, p2)), leaf: list(policiesOf(p2))}), false},
		"any inhibited above":       {three(t, opts{inter: list(demand, noAny, policiesOf(anyOf)), leaf: list(policiesOf(anyOf))}), false},
		"any inhibited, named":      {three(t, opts{inter: list(demand, noAny, policiesOf(anyOf)), leaf: list(policiesOf(p1))}), true},
		"mapping inhibited by self": {three(t, opts{inter: list(noMap, policiesOf(p1), mapping(p1, p2)), leaf: list(policiesOf(p2))}), true},
		"mapping inhibited above":   {deep(t, list(noMap, policiesOf(p1)), list(policiesOf(p1), mapping(p1, p2)), list(policiesOf(p2))), false},
		"deep, same":                {deep(t, list(demand, policiesOf(p1)), list(policiesOf(p1)), list(policiesOf(p1))), true},
		"deep, broken in between":   {deep(t, list(demand, policiesOf(p1)), list(policiesOf(p2)), list(policiesOf(p1))), false},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			found := ours(t, c.chain, false)
			if found.Has(finding.Policy) == c.good || len(found) > 1 {
				t.Errorf("found %v, want %s", found, policyOK[c.good])
			}
			if err := goAccepts(c.chain); (err == nil) != c.good {
				t.Errorf("Go: %v, want %s", err, policyOK[c.good])
			}
		})
	}
}

// deep has two intermediates.
func deep(t *testing.T, upper, lower, leaf []testpki.Option) chain {
	root := testpki.Root(t, "Root")
	a := testpki.New(t, "Upper", root, append([]testpki.Option{testpki.CA}, upper...)...)
	b := testpki.New(t, "Lower", a, append([]testpki.Option{testpki.CA}, lower...)...)
	return chain{[]*testpki.Cert{root}, []*testpki.Cert{a, b}, testpki.Leaf(t, b, leaf...)}
}

// For every random choice of small deviations, we accept exactly what crypto/x509
// accepts, except for the differences that TestDifferences names.
func TestAgreesWithGo(t *testing.T) {
	deviations := []func(*opts){
		func(o *opts) { o.leaf = append(o.leaf, testpki.Valid(-48e12, -24e12)) },
		func(o *opts) { o.inter = append(o.inter, testpki.Valid(-48e12, -24e12)) },
		func(o *opts) {
			o.root = append(o.root, func(c *testpki.Template) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
		},
		func(o *opts) {
			o.inter = append(o.inter, func(c *testpki.Template) { c.MaxPathLen, c.MaxPathLenZero = 0, true })
		},
		func(o *opts) {
			o.inter = append(o.inter, func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign })
		},
		func(o *opts) {
			o.inter = append(o.inter, func(c *testpki.Template) { c.IsCA, c.KeyUsage, c.MaxPathLen, c.MaxPathLenZero = false, 0, 0, false })
		},
		func(o *opts) {
			o.inter = append(o.inter, func(c *testpki.Template) { c.PermittedDNSDomains = []string{"test"} })
		},
		func(o *opts) {
			o.root = append(o.root, func(c *testpki.Template) { c.ExcludedDNSDomains = []string{"app.test"} })
		},
		func(o *opts) { o.leaf = append(o.leaf, testpki.Names("a.test", "*.b.test")) },
		func(o *opts) { o.leaf = append(o.leaf, testpki.Extension("1.2.3", true, []byte{5, 0})) },
		func(o *opts) { o.leaf = append(o.leaf, func(c *testpki.Template) { c.Forge = true }) },
		func(o *opts) { o.inter = append(o.inter, func(c *testpki.Template) { c.NoKeyID = true }) },
		func(o *opts) { o.leaf = append(o.leaf, policiesOf(p1)) },
		func(o *opts) { o.inter = append(o.inter, policiesOf(p1, p2)) },
		func(o *opts) { o.inter = append(o.inter, demand1) },
		func(o *opts) { o.root = append(o.root, func(c *testpki.Template) { c.KeyUsage = 0 }) },
	}
	r := rand.New(rand.NewPCG(1, 2))
	bad := 0
	for range 400 {
		var o opts
		var which []int
		for i, d := range deviations {
			if r.IntN(6) == 0 {
				d(&o)
				which = append(which, i)
			}
		}
		c := three(t, o)
		err, found := goAccepts(c), ours(t, c, false)
		if (err == nil) == found.Failed() {
			t.Errorf("deviations %v: Go %v, we found %v", which, err, found)
		}
		if err != nil {
			bad++
		}
	}
	if bad < 100 || bad > 390 {
		t.Errorf("%d of 400 were refused: the draw tests nothing", bad)
	}
}
