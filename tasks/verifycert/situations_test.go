package verifycert

import (
	"bytes"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// mounted turns the directory into what kubelet makes of a Secret.
func mounted(p *plan) {
	p.files = append(p.files, func(t *testing.T, m made) {
		version := m.path("..2026_11_22_10_00_00.123456789")
		if err := os.Mkdir(version, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"tls.crt", "tls.key", "ca.crt"} {
			if err := os.Rename(m.path(name), version+"/"+name); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink("..data/"+name, m.path(name)); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("..2026_11_22_10_00_00.123456789", m.path("..data")); err != nil {
			t.Fatal(err)
		}
	})
}

func addresses(ips ...string) testpki.Option {
	return func(c *testpki.Template) {
		for _, s := range ips {
			c.IPAddresses = append(c.IPAddresses, net.ParseIP(s))
		}
	}
}

func uri(s string) testpki.Option {
	return func(c *testpki.Template) {
		u, err := url.Parse(s)
		if err != nil {
			panic(err)
		}
		c.URIs = append(c.URIs, u)
	}
}

func asked(change func(*Task)) fault { return flagged(change) }

// Single faults, for the pairs.
var (
	expired    = leafWith(validity(-2*day, -day))
	caExpired  = interWith(validity(-2*day, -time.Hour))
	otherKey   = arranged(func(m *made) { m.key = testpki.KeyPEM(staticTB{}, m.inter) })
	alone      = arranged(func(m *made) { m.chain = m.chain[:1] })
	crlf       = replaced("tls.crt", func(d []byte) []byte { return bytes.ReplaceAll(d, []byte("\n"), []byte("\r\n")) })
	bom        = replaced("ca.crt", func(d []byte) []byte { return append([]byte("\xef\xbb\xbf"), d...) })
	wrongName  = asked(func(t *Task) { t.DNSNames = append(t.DNSNames, "other.test") })
	wrongIP    = asked(func(t *Task) { t.IPs = append(t.IPs, "192.0.2.1") })
	wrongUsage = asked(func(t *Task) { t.Usage = "client" })
	openKey    = both(asked(func(t *Task) { t.MaxKeyMode = "0400" }))
	garbage    = replaced("tls.crt", func(d []byte) []byte { return append(d, "-- \n"...) })
	noKey      = removed("tls.key")
	week       = asked(func(t *Task) { t.MinValidity = 7 * day })
	constraint = interWith(func(c *testpki.Template) {
		c.ExcludedDNSDomains, c.PermittedDNSDomainsCritical = []string{"test"}, true
	})
	notYet  = interWith(validity(time.Hour, 400*day))
	revoked = crlFile(nil, byInter, func(m made) []*testpki.Cert { return []*testpki.Cert{m.leaf} })
)

type staticTB struct{}

func (staticTB) Helper()           {}
func (staticTB) Fatal(args ...any) { panic(args) }

// Situations of Secrets in a cluster. codes_test.go has single faults; here are
// situations that are fine, and pairs of faults.
var situations = map[string]struct {
	fault fault
	want  string
}{
	// Fine.
	"plain":                      {func(*plan) {}, ""},
	"mounted Secret":             {mounted, ""},
	"short name of a Service":    {both(leafWith(testpki.Names("app", "app.shop", "app.shop.svc")), named("app.shop.svc"), named("app")), ""},
	"wildcard of a namespace":    {both(leafWith(testpki.Names("*.shop.svc.cluster.local")), named("app.shop.svc.cluster.local")), ""},
	"headless pod":               {both(leafWith(testpki.Names("*.db.shop.svc")), named("db-0.db.shop.svc")), ""},
	"final dot asked for":        {named("app.test."), ""},
	"upper case asked for":       {named("APP.Test"), ""},
	"underscore":                 {both(leafWith(testpki.Names("my_app.test")), named("my_app.test")), ""},
	"A-label":                    {both(leafWith(testpki.Names("xn--bcher-kva.test")), named("xn--bcher-kva.test")), ""},
	"pod address":                {both(leafWith(addresses("10.1.2.3")), asked(func(t *Task) { t.IPs = []string{"10.1.2.3", "::ffff:10.1.2.3"} })), ""},
	"IPv6 address":               {both(leafWith(addresses("fd00::1")), asked(func(t *Task) { t.IPs = []string{"fd00:0::1"} })), ""},
	"SPIFFE":                     {both(leafWith(uri("spiffe://prod/ns/shop/sa/app")), asked(func(t *Task) { t.URIs = []string{"spiffe://prod/ns/shop/sa/app"} })), ""},
	"client certificate":         {both(leafWith(func(c *testpki.Template) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), asked(func(t *Task) { t.Usage = "client" })), ""},
	"mutual TLS":                 {both(leafWith(func(c *testpki.Template) { c.ExtKeyUsage = append(c.ExtKeyUsage, x509.ExtKeyUsageClientAuth) }), asked(func(t *Task) { t.Usage = "both" })), ""},
	"cert-manager without usage": {both(leafWith(func(c *testpki.Template) { c.ExtKeyUsage = nil }), asked(func(t *Task) { t.Usage = "server" })), ""},
	"root signs the leaf": {arranged(func(m *made) {
		leaf := testpki.Leaf(staticTB{}, m.root)
		m.chain, m.key = []*testpki.Cert{leaf}, testpki.KeyPEM(staticTB{}, leaf)
	}), ""},
	"intermediate in ca.crt":   {arranged(func(m *made) { m.chain, m.cas = m.chain[:1], []*testpki.Cert{m.inter, m.root} }), ""},
	"partial chain allowed":    {both(arranged(func(m *made) { m.cas = []*testpki.Cert{m.inter} }), asked(func(t *Task) { t.PartialChain = true })), ""},
	"root sent along":          {arranged(func(m *made) { m.chain = append(m.chain, m.root) }), "chain-root-included"},
	"two roots while rotating": {arranged(func(m *made) { m.cas = append([]*testpki.Cert{testpki.Root(staticTB{}, "Test Root CA")}, m.cas...) }), ""},
	"old root expired, new one good": {arranged(func(m *made) {
		old := testpki.Root(staticTB{}, "Test Root CA", validity(-2*day, -day), func(c *testpki.Template) { c.Key = m.root.Key })
		m.cas = append([]*testpki.Cert{old}, m.cas...)
	}), ""},
	"self-signed by cert-manager": {arranged(func(m *made) {
		self := testpki.New(staticTB{}, "app", nil, testpki.Names("app.test"))
		m.chain, m.cas, m.key = []*testpki.Cert{self}, []*testpki.Cert{self}, testpki.KeyPEM(staticTB{}, self)
	}), ""},
	"other CA given instead": {both(removed("ca.crt"), flaggedWith(func(t *Task, m made) { t.CA = []string{m.writeRoot()} })), ""},
	"comments around blocks": {replaced("ca.crt", func(d []byte) []byte {
		return append([]byte("# our root\nsubject=CN=x\n"), append(d, "\n# end\n"...)...)
	}), ""},
	"Windows line ends":      {crlf, "encoding-crlf"},
	"DER":                    {replaced("ca.crt", derOf), ""},
	"right usage, strict":    {both(strict, leafWith(sameCN), asked(func(t *Task) { t.Usage = "server" })), ""},
	"strict, no common name": {both(strict, leafWith(func(c *testpki.Template) { c.Subject.CommonName = "" })), ""},
	"strict client by CN": {both(strict, leafWith(func(c *testpki.Template) {
		c.DNSNames, c.ExtKeyUsage = nil, []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	}), asked(func(t *Task) { t.Usage = "client" })), ""},
	"fresh CRL":          {crlFile(nil, byInter, func(m made) []*testpki.Cert { return []*testpki.Cert{m.inter} }), ""},
	"clock behind":       {both(leafWith(validity(time.Minute, day)), asked(func(t *Task) { t.ClockSkew = 5 * time.Minute })), ""},
	"clock ahead":        {both(leafWith(validity(-day, -time.Minute)), asked(func(t *Task) { t.ClockSkew = 5 * time.Minute })), ""},
	"at an earlier time": {both(expired, asked(func(t *Task) { t.At = time.Now().Add(-36 * time.Hour).Format(time.RFC3339) }), rootWith(validity(-9*day, 9*day)), interWith(validity(-9*day, 9*day))), ""},
	"valid long enough":  {week, ""},

	// One fault, in a form that codes_test.go does not have.
	"at a later time":          {asked(func(t *Task) { t.At = time.Now().Add(700 * day).Format(time.RFC3339) }), "expired"},
	"wildcard spans one label": {both(leafWith(testpki.Names("*.svc.test")), named("a.b.svc.test")), "name-dns"},
	"wildcard not its parent":  {both(leafWith(testpki.Names("*.svc.test")), named("svc.test")), "name-dns"},
	"part of a label":          {both(leafWith(testpki.Names("app*.test")), named("app1.test")), "name-dns"},
	"name in CN alone":         {both(leafWith(func(c *testpki.Template) { c.DNSNames, c.Subject.CommonName = nil, "app.test" }), named("app.test")), "name-dns"},
	"address as DNS name":      {both(leafWith(testpki.Names("10.0.0.1")), asked(func(t *Task) { t.IPs = []string{"10.0.0.1"} })), "name-ip"},
	"SPIFFE of another domain": {both(leafWith(uri("spiffe://test/app")), asked(func(t *Task) { t.URIs = []string{"spiffe://prod/app"} })), "name-uri"},
	"both usages asked":        {asked(func(t *Task) { t.Usage = "both" }), "usage"},
	"mounted, key missing":     {both(noKey, func(p *plan) {}), "file-missing"},
	"Secret without data":      {both(replaced("tls.crt", empty), replaced("tls.key", empty), replaced("ca.crt", empty)), "file-empty"},

	// Pairs.
	"expired, key of another":         {both(expired, otherKey), "expired key-mismatch"},
	"expired, not long enough":        {both(expired, week, interWith(validity(-day, 2*day))), "expired expires-soon"},
	"leaf and intermediate expired":   {both(expired, caExpired), "expired"},
	"expired, wrong name":             {both(expired, wrongName), "expired name-dns"},
	"expired, revoked":                {both(expired, revoked), "expired revoked"},
	"expired, CRLF":                   {both(expired, crlf), "expired encoding-crlf"},
	"missing intermediate, name":      {both(alone, wrongName), "chain-missing-intermediate name-dns"},
	"missing intermediate, expired":   {both(alone, expired), "chain-missing-intermediate expired"},
	"missing intermediate, no key":    {both(alone, noKey), "chain-missing-intermediate file-missing"},
	"wrong name and address":          {both(wrongName, wrongIP), "name-dns name-ip"},
	"wrong name and usage":            {both(wrongName, wrongUsage), "name-dns usage"},
	"key of another, open":            {both(otherKey, openKey), "key-mismatch key-mode"},
	"BOM, expired":                    {both(bom, expired), "encoding-bom expired"},
	"garbage, expired":                {both(garbage, expired), "encoding-trailing-garbage expired"},
	"no key, expired":                 {both(noKey, expired), "file-missing expired"},
	"CA not yet valid, wrong name":    {both(notYet, wrongName), "not-yet-valid name-dns"},
	"CA not yet valid, leaf expired":  {both(notYet, expired), "not-yet-valid expired"},
	"constraint, wrong usage":         {both(constraint, wrongUsage), "name-constraint usage"},
	"constraint, CA expired":          {both(constraint, caExpired), "name-constraint expired"},
	"revoked, wrong name":             {both(revoked, wrongName), "revoked name-dns"},
	"superfluous and root":            {arranged(func(m *made) { m.chain = append(m.chain, m.root, testpki.Root(staticTB{}, "X")) }), "chain-root-included chain-superfluous"},
	"order and key":                   {arranged(func(m *made) { m.chain, m.key = []*testpki.Cert{m.inter, m.leaf}, testpki.KeyPEM(staticTB{}, m.root) }), "chain-leaf-not-first key-mismatch"},
	"no CA, expired":                  {both(removed("ca.crt"), expired), "ca-missing expired"},
	"no CA, key of another":           {both(removed("ca.crt"), otherKey), "ca-missing key-mismatch"},
	"base64 twice, both files":        {both(replaced("tls.crt", base64Lines), replaced("tls.key", base64Lines), expired), "encoding-double-base64 expired"},
	"literal newlines, wrong name":    {both(replaced("tls.crt", literalNewlines), wrongName), "encoding-literal-newline name-dns"},
	"strict: no AKI, weak key":        {both(strict, leafWith(sameCN, smallCurve, withoutExtension("2.5.29.35"))), "aki-missing key-weak"},
	"strict: no EKU, underscore":      {both(strict, leafWith(func(c *testpki.Template) { c.Subject.CommonName, c.ExtKeyUsage = "", nil }, testpki.Names("a_b.test"))), "eku-missing san-malformed"},
	"critical extension, CA not a CA": {both(leafWith(testpki.Extension("1.2.3.4", true, []byte{5, 0})), interWith(func(c *testpki.Template) { c.IsCA, c.KeyUsage = false, 0 })), "critical-extension ca-not-ca"},
}

func TestSituations(t *testing.T) {
	for name, c := range situations {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			_, task := carryOut(t, c.fault)
			expect(t, task, c.want)
		})
	}
}

func empty([]byte) []byte { return nil }

func derOf(d []byte) []byte {
	var block []byte
	for line := range bytes.Lines(d) {
		if line[0] != '-' {
			block = append(block, bytes.TrimSpace(line)...)
		}
	}
	return decode64(block)
}

// writeRoot puts the root into a file of another name.
func (m made) writeRoot() string {
	path := m.path("roots.pem")
	if err := os.WriteFile(path, testpki.PEM(m.root), 0o600); err != nil {
		panic(err)
	}
	return path
}
