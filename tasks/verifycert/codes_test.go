package verifycert

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// one is a fault that must give exactly its code.
type one struct {
	name  string
	code  finding.Code
	fault fault
}

func fileCodes(t *testing.T) []one {
	return []one{
		{"no key", finding.FileMissing, removed("tls.key")},
		{"no certificate", finding.FileMissing, removed("tls.crt")},
		{"a directory for a file", finding.FileUnreadable, func(p *plan) {
			p.files = append(p.files, func(t *testing.T, m made) {
				if err := os.Remove(m.path("tls.key")); err != nil {
					t.Fatal(err)
				}
				if err := os.Mkdir(m.path("tls.key"), 0o700); err != nil {
					t.Fatal(err)
				}
			})
		}},
		{"empty certificate", finding.FileEmpty, replaced("tls.crt", func([]byte) []byte { return nil })},
		{"blank key", finding.FileEmpty, replaced("tls.key", func([]byte) []byte { return []byte(" \n") })},
		{"UTF-8 BOM", finding.BOM, replaced("tls.crt", func(d []byte) []byte { return append([]byte("\xef\xbb\xbf"), d...) })},
		{"UTF-16", finding.BOM, replaced("tls.key", utf16)},
		{"CRLF", finding.CRLF, replaced("tls.crt", func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\n"), []byte("\r\n")) })},
		{"CR alone", finding.BareCR, replaced("tls.crt", func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\n"), []byte("\r")) })},
		{"base64 twice", finding.DoubleBase64, replaced("tls.crt", base64Lines)},
		{"base64 twice, key", finding.DoubleBase64, replaced("tls.key", base64Lines)},
		{"base64 without PEM", finding.BareBase64, replaced("ca.crt", bareBase64)},
		{"literal newlines", finding.LiteralNewline, replaced("tls.crt", literalNewlines)},
		{"joined blocks", finding.JoinedBlocks, replaced("tls.crt", joined)},
		{"text after the last block", finding.TrailingGarbage, replaced("tls.crt", func(d []byte) []byte { return append(d, "EOF\n"...) })},
		{"bytes after DER", finding.TrailingGarbage, both(flagged(func(t *Task) { t.SystemRoots = false }), replaced("ca.crt", func(d []byte) []byte {
			b, _ := pem.Decode(d)
			return append(b.Bytes, 0)
		}))},
		{"cut off", finding.PEMMalformed, replaced("tls.crt", func(d []byte) []byte { return append(firstBlock(d), d[:200]...) })},
		{"not base64", finding.PEMMalformed, replaced("tls.key", func(d []byte) []byte { return bytes.Replace(d, []byte("MI"), []byte("M!"), 1) })},
		{"on one line", finding.PEMMalformed, replaced("tls.key", func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\n"), []byte(" ")) })},
		{"four dashes", finding.PEMMalformed, replaced("ca.crt", func(d []byte) []byte { return append([]byte("----BEGIN CERTIFICATE-----\n"), d...) })},
		{"key instead of certificate", finding.PEMWrongKind, file("tls.crt", func(_ *testing.T, _ []byte, m made) []byte { return m.key })},
		{"certificate instead of key", finding.PEMWrongKind, file("tls.key", func(_ *testing.T, _ []byte, m made) []byte { return testpki.PEM(m.leaf) })},
		{"request", finding.PEMWrongKind, replaced("tls.crt", func([]byte) []byte { return testpki.Block("CERTIFICATE REQUEST", []byte{0x30, 0}) })},
		{"HTML", finding.NotPEM, replaced("ca.crt", func([]byte) []byte { return []byte("<html>404</html>") })},
		{"DER cut off", finding.CertMalformed, replaced("tls.crt", func(d []byte) []byte {
			b, rest := pem.Decode(d)
			return append(testpki.Block("CERTIFICATE", b.Bytes[:100]), rest...)
		})},
	}
}

// utf16 encodes ASCII as Windows does.
func utf16(d []byte) []byte {
	out := []byte("\xff\xfe")
	for _, c := range d {
		out = append(out, c, 0)
	}
	return out
}

func chainCodes(t *testing.T) []one {
	otherRoot := testpki.Root(t, "Other Root CA")
	return []one{
		{"no CA", finding.CAMissing, removed("ca.crt")},
		{"missing intermediate", finding.MissingIntermediate, arranged(func(m *made) { m.chain = m.chain[:1] })},
		{"wrong CA", finding.WrongCA, arranged(func(m *made) { m.cas = []*testpki.Cert{otherRoot} })},
		{"wrong CA, root in the chain", finding.WrongCA, arranged(func(m *made) {
			m.chain = append(m.chain, m.root)
			m.cas = []*testpki.Cert{otherRoot}
		})},
		{"CA made anew", finding.CAOtherKey, arranged(func(m *made) { m.cas = []*testpki.Cert{testpki.Root(t, "Test Root CA")} })},
		{"CA is an intermediate", finding.CAIsIntermediate, arranged(func(m *made) { m.chain, m.cas = m.chain[:1], []*testpki.Cert{m.inter} })},
		{"self-signed leaf", finding.SelfSignedLeaf, arranged(func(m *made) {
			self := testpki.New(t, "app", nil, testpki.Names("app.test"))
			m.chain, m.key = []*testpki.Cert{self}, testpki.KeyPEM(t, self)
		})},
		{"leaf last", finding.LeafNotFirst, arranged(func(m *made) { m.chain = []*testpki.Cert{m.inter, m.leaf} })},
		{"wrong order", finding.WrongOrder, arranged(func(m *made) {
			second := testpki.New(t, "Test Issuing CA", m.inter, testpki.CA)
			leaf := testpki.Leaf(t, second)
			m.chain, m.key = []*testpki.Cert{leaf, m.inter, second}, testpki.KeyPEM(t, leaf)
		})},
		{"superfluous", finding.Superfluous, arranged(func(m *made) { m.chain = append(m.chain, otherRoot) })},
		{"leaf twice", finding.Superfluous, arranged(func(m *made) { m.chain = append(m.chain, m.leaf) })},
		{"root included", finding.RootIncluded, arranged(func(m *made) { m.chain = append(m.chain, m.root) })},
		{"forged", finding.BadSignature, leafWith(func(t *testpki.Template) { t.Forge = true })},
		{"SHA-1", finding.WeakSignature, sha1Leaf(t)},
		{"signed by a DSA key", finding.UnknownSignature, interWith(testpki.Edit(dsaPublicKey(t)))},
		{"issuer is no CA", finding.NotCA, interWith(func(t *testpki.Template) { t.IsCA, t.KeyUsage = false, 0 })},
		{"issuer without basicConstraints", finding.NotCA, interWith(withoutExtension("2.5.29.19"))},
		{"issuer may not sign", finding.CAKeyUsage, interWith(func(t *testpki.Template) { t.KeyUsage = x509.KeyUsageCRLSign })},
		{"path length", finding.PathLength, rootWith(func(t *testpki.Template) { t.MaxPathLen, t.MaxPathLenZero = 0, true })},
		{"name constraint", finding.NameConstraint, interWith(func(t *testpki.Template) {
			t.PermittedDNSDomains, t.PermittedDNSDomainsCritical = []string{"other.test"}, true
		})},
		{"name constraint that is no name", finding.NameConstraintsMalformed, interWith(func(t *testpki.Template) { t.PermittedDNSDomains = []string{"*.test"} })},
		{"name constraint that nobody reads", finding.NameConstraintsMalformed, interWith(func(t *testpki.Template) {
			t.PermittedIPRanges = []*net.IPNet{{IP: net.IP{10, 0, 0, 0}, Mask: net.IPMask{255, 0, 255, 0}}}
		})},
		{"critical extension", finding.CriticalExtension, leafWith(testpki.Extension("1.2.3.4", true, []byte{5, 0}))},
		{"policy", finding.Policy, interWith(testpki.Extension("2.5.29.36", true, []byte{0x30, 3, 0x80, 1, 0}))},
		{"leaf expired", finding.Expired, leafWith(validity(-2*day, -day))},
		{"intermediate expired", finding.Expired, interWith(validity(-2*day, -time.Hour))},
		{"root expired", finding.Expired, rootWith(validity(-2*day, -time.Hour))},
		{"not yet valid", finding.NotYetValid, leafWith(validity(time.Hour, day))},
		{"expires soon", finding.ExpiresSoon, both(interWith(validity(-day, 2*day)), flagged(func(t *Task) { t.MinValidity = 7 * day }))},
		{"limit", finding.ChainLimit, nil}, // TestChainLimit
	}
}

func nameCodes(t *testing.T) []one {
	deltaBase := pkixExtension("2.5.29.27", true, []byte{2, 1, 1})
	return []one{
		{"DNS name", finding.NameDNS, named("other.test")},
		{"IP", finding.NameIP, flagged(func(t *Task) { t.IPs = []string{"10.0.0.1"} })},
		{"URI", finding.NameURI, flagged(func(t *Task) { t.URIs = []string{"spiffe://prod/app"} })},
		{"usage", finding.Usage, flagged(func(t *Task) { t.Usage = "client" })},
		{"usage of the intermediate", finding.Usage, both(interWith(func(t *testpki.Template) {
			t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
		}), flagged(func(t *Task) { t.Usage = "server" }))},
		{"revoked", finding.Revoked, crlFile(nil, byInter, func(m made) []*testpki.Cert { return []*testpki.Cert{m.leaf} })},
		{"CRL of rubbish", finding.CRLMalformed, both(crlFile(nil, byInter, nil), file("ca.crl", func(_ *testing.T, d []byte, m made) []byte {
			return append(d, testpki.Block("X509 CRL", []byte{0x30, 3, 2, 1, 1})...)
		}))},
		{"CRL of another key", finding.CRLSignature, crlFile(nil, func(made) *testpki.Cert { return testpki.Root(t, "Test Intermediate CA") }, nil)},
		{"old CRL", finding.CRLStale, crlFile(func(l *x509.RevocationList) {
			l.ThisUpdate, l.NextUpdate = time.Now().Add(-2*day), time.Now().Add(-day)
		}, byInter, nil)},
		{"CRL of the future", finding.CRLStale, crlFile(func(l *x509.RevocationList) { l.ThisUpdate = time.Now().Add(time.Hour) }, byInter, nil)},
		{"CRL of another CA", finding.CRLOtherIssuer, crlFile(nil, byRoot, nil)},
		{"delta CRL", finding.CRLUnsupported, both(crlFile(func(l *x509.RevocationList) { l.ExtraExtensions = append(l.ExtraExtensions, deltaBase) }, byInter, nil))},
		{"indirect CRL", finding.CRLUnsupported, crlFile(func(l *x509.RevocationList) {
			l.ExtraExtensions = append(l.ExtraExtensions, pkixExtension("2.5.29.28", true, []byte{0x30, 3, 0x84, 1, 0xff}))
		}, byInter, nil)},
		{"negative serial", finding.SerialNegative, leafWith(testpki.Edit(func(t *testpki.TBS) { t.Serial = big.NewInt(-5) }))},
		{"version 4", finding.VersionInvalid, leafWith(testpki.Edit(func(t *testpki.TBS) { t.Version = 3 }))},
		{"two algorithms", finding.AlgorithmMismatch, leafWith(testpki.Edit(func(t *testpki.TBS) {
			other := t.Algorithm
			other.Algorithm = testpki.OID("1.2.840.10045.4.3.3")
			t.Outer = &other
		}))},
		{"extension twice", finding.DuplicateExtension, leafWith(testpki.Edit(func(t *testpki.TBS) { t.Extensions = append(t.Extensions, t.Extensions[0]) }))},
		{"critical AKI", finding.Criticality, leafWith(testpki.Edit(func(t *testpki.TBS) { t.Critical("2.5.29.35", true) }))},
		{"basicConstraints not critical", finding.Criticality, both(strict, leafWith(sameCN), interWith(testpki.Edit(func(t *testpki.TBS) { t.Critical("2.5.29.19", false) })))},
		{"empty subject, SAN not critical", finding.Criticality, both(strict, leafWith(func(t *testpki.Template) {
			t.Subject.CommonName = ""
			t.Edit = func(t *testpki.TBS) { t.Critical("2.5.29.17", false) }
		}))},
	}
}

// Every code has a test that gives exactly that code.
func TestReasonCodes(t *testing.T) {
	all := slices.Concat(fileCodes(t), keyCodes(t), chainCodes(t), nameCodes(t), strictCodes(t))
	covered := map[finding.Code]bool{}
	for _, c := range append(all, elsewhere...) {
		covered[c.code] = true
		if c.fault != nil {
			c.verify(t)
		}
	}
	for _, e := range finding.Table() {
		if !covered[e.Code] {
			t.Errorf("no test gives %s", e.Code)
		}
		if !strings.Contains(Spec.More(), "    "+string(e.Code)+"") || e.Meaning == "" || e.Next == "" {
			t.Errorf("%s is not documented", e.Code)
		}
	}
}

// verify checks that the fault gives its code and no other.
func (c one) verify(t *testing.T) {
	t.Run(strings.ReplaceAll(string(c.code)+"/"+c.name, " ", "_"), func(t *testing.T) {
		_, task := carryOut(t, c.fault)
		expect(t, task, string(c.code))
	})
}

// elsewhere are the codes whose tests do not start from a mount.
var elsewhere = []one{
	{code: finding.StoreMalformed}, {code: finding.StorePassword}, {code: finding.StoreNoKey}, {code: finding.StoreEmpty}, // stores_test.go
	{code: finding.KeyEncrypted}, {code: finding.KeyPassword}, {code: finding.KeyLegacyEncryption}, // openssl_test.go
	{code: finding.CRLLimit},                                                                // crl_test.go
	{code: finding.BundleNotCA}, {code: finding.BundleDuplicate}, {code: finding.BundleKey}, // bundle_test.go
}
