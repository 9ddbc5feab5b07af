package verifycert

import (
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

func pkixExtension(oid string, critical bool, value []byte) pkix.Extension {
	return pkix.Extension{Id: testpki.OID(oid), Critical: critical, Value: value}
}

// sha1Leaf is a leaf that an RSA intermediate signed with SHA-1.
func sha1Leaf(t *testing.T) fault {
	key := rsaKey(t, 2048)
	return arranged(func(m *made) {
		inter := testpki.New(t, "Test Intermediate CA", m.root, testpki.CA, func(c *testpki.Template) { c.Key = key })
		leafKey := testpki.Key(t)
		parent := testpki.X509(t, inter)
		tpl := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "app"}, DNSNames: []string{"app.test"},
			NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(day), SignatureAlgorithm: x509.SHA256WithRSA}
		der, err := x509.CreateCertificate(rand.Reader, tpl, parent, leafKey.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		m.leaf = &testpki.Cert{DER: testpki.SignSHA1(t, der, key), Key: leafKey, Name: tpl.Subject}
		m.inter, m.chain, m.key = inter, []*testpki.Cert{m.leaf, inter}, testpki.KeyPEM(t, m.leaf)
	})
}

// withAKI replaces the authorityKeyIdentifier.
func withAKI(value ...byte) testpki.Option {
	return testpki.Edit(func(tbs *testpki.TBS) {
		tbs.Remove("2.5.29.35")
		tbs.Extensions = append(tbs.Extensions, pkixExtension("2.5.29.35", false, value))
	})
}

func strictCodes(t *testing.T) []one {
	noName := func(p *plan) { p.leaf = append(p.leaf, func(c *testpki.Template) { c.Subject.CommonName = "" }) }
	list := []one{
		{"name in CN", finding.CNOnly, leafWith(func(c *testpki.Template) { c.DNSNames, c.Subject.CommonName = nil, "app.test" })},
		{"CN not in SAN", finding.CNNotInSAN, leafWith(func(c *testpki.Template) { c.Subject.CommonName = "web.test" })},
		{"no SAN", finding.SANMissing, leafWith(func(c *testpki.Template) { c.DNSNames, c.Subject.CommonName = nil, "The App" })},
		{"underscore", finding.SANMalformed, both(noName, leafWith(testpki.Names("my_app.test")))},
		{"final dot", finding.SANMalformed, both(noName, leafWith(testpki.Names("app.test.")))},
		{"no AKI", finding.AKIMissing, leafWith(withoutExtension("2.5.29.35"))},
		{"wrong AKI", finding.AKIMismatch, leafWith(withAKI(0x30, 4, 0x80, 2, 1, 2))},
		{"AKI by issuer and serial", finding.AKIForm, leafWith(withAKI(0x30, 3, 0x82, 1, 1))},
		{"no SKI", finding.SKIMissing, interWith(withoutExtension("2.5.29.14"))},
		{"no EKU", finding.EKUMissing, leafWith(func(c *testpki.Template) { c.ExtKeyUsage = nil })},
		{"any EKU", finding.EKUAny, leafWith(func(c *testpki.Template) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageAny} })},
		{"root with EKU", finding.EKUOnRoot, rootWith(func(c *testpki.Template) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} })},
		{"empty EKU", finding.EKUEmpty, leafWith(func(c *testpki.Template) {
			c.ExtKeyUsage = nil
			c.ExtraExtensions = append(c.ExtraExtensions, pkixExtension("2.5.29.37", false, []byte{0x30, 0}))
		})},
		{"small curve", finding.KeyWeak, leafWith(smallCurve)},
		{"RSA 2047", finding.KeyWeak, leafWith(func(c *testpki.Template) { c.Key = rsaKey(t, 2047) })},
		{"wildcard below a TLD", finding.WildcardSuffix, both(noName, leafWith(testpki.Names("*.test")))},
		{"part of a label", finding.WildcardForm, both(noName, leafWith(testpki.Names("app*.test.example")))},
		{"inner wildcard", finding.WildcardForm, both(noName, leafWith(testpki.Names("app.*.example")))},
		{"serial zero", finding.SerialInvalid, leafWith(testpki.Edit(func(tbs *testpki.TBS) { tbs.Serial = big.NewInt(0) }))},
		{"serial too long", finding.SerialInvalid, leafWith(testpki.Edit(func(tbs *testpki.TBS) { tbs.Serial = new(big.Int).Lsh(big.NewInt(1), 160) }))},
		{"version 1", finding.VersionOld, both(rootWith(testpki.Edit(func(tbs *testpki.TBS) { tbs.Version, tbs.Extensions = 0, nil })))},
		{"CA without a name", finding.NameEmpty, arranged(func(m *made) {
			root := testpki.Root(t, "Test Root CA")
			inter := testpki.New(t, "", root, testpki.CA)
			leaf := testpki.Leaf(t, inter, func(c *testpki.Template) { c.Subject.CommonName = "app.test" })
			m.cas, m.chain, m.key = []*testpki.Cert{root}, []*testpki.Cert{leaf, inter}, testpki.KeyPEM(t, leaf)
		})},
		{"leaf is a CA", finding.LeafIsCA, leafWith(func(c *testpki.Template) {
			names, eku := c.DNSNames, c.ExtKeyUsage
			testpki.CA(c)
			c.DNSNames, c.ExtKeyUsage = names, eku
		})},
		{"leaf may sign", finding.KeyUsageOdd, leafWith(func(c *testpki.Template) { c.KeyUsage |= x509.KeyUsageCertSign })},
		{"CA without keyUsage", finding.KeyUsageOdd, interWith(func(c *testpki.Template) { c.KeyUsage = 0 })},
		{"path length of a leaf", finding.ConstraintsOdd, leafWith(testpki.Extension("2.5.29.19", true, []byte{0x30, 3, 2, 1, 0}))},
		{"name constraints of a leaf", finding.NameConstraintsX, leafWith(func(c *testpki.Template) {
			c.PermittedDNSDomains, c.PermittedDNSDomainsCritical = []string{"test"}, true
		})},
		{"empty certificatePolicies", finding.Policy, leafWith(testpki.Extension("2.5.29.32", false, []byte{0x30, 0}))},
		{"empty policyConstraints", finding.Policy, interWith(testpki.Extension("2.5.29.36", true, []byte{0x30, 0}))},
		{"GeneralizedTime too early", finding.ValidityEncoding, leafWith(testpki.Edit(func(tbs *testpki.TBS) {
			text := time.Now().Add(day).UTC().Format("20060102150405Z")
			tbs.Validity.NotAfter = asn1.RawValue{Tag: asn1.TagGeneralizedTime, Bytes: []byte(text)}
		}))},
		{"no CRL of the root", finding.CRLMissing, crlFile(nil, byInter, nil)},
	}
	for i := range list {
		if list[i].fault != nil {
			// The common name of the leaf that other cases start from is not a DNS name.
			list[i].fault = both(strict, func(p *plan) { p.leaf = append(p.leaf, sameCN) }, list[i].fault)
		}
	}
	return list
}

// sameCN makes the common name one of the names.
func sameCN(c *testpki.Template) {
	if c.Subject.CommonName == "app" {
		c.Subject.CommonName = "app.test"
	}
}
