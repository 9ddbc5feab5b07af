// Package cert reads certificates and keeps the place in a file that each came
// from.
package cert

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/pki/finding"
)

// A Cert is a parsed certificate and its place in a file.
type Cert struct {
	*x509.Certificate
	File  string
	Block int // counted from 1; 0 if the file is not PEM

	SubjectKey string // equal for names that RFC 5280, 7.1 treats as equal
	IssuerKey  string
}

// MaxSize is the size of the largest certificate that is read, in bytes.
const MaxSize = 1 << 20

// Parse reads one certificate in DER. If it cannot be parsed, the findings say
// why, in as much detail as possible.
func Parse(der []byte, file string, block int) (*Cert, finding.List) {
	if len(der) > MaxSize {
		return nil, finding.List{finding.New(finding.CertMalformed, file, block, "it is larger than %d bytes", MaxSize)}
	}
	x, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, explain(der, file, block, err)
	}
	c := &Cert{Certificate: x, File: file, Block: block}
	c.SubjectKey = NameKey(x.RawSubject)
	c.IssuerKey = c.SubjectKey
	if !bytes.Equal(x.RawSubject, x.RawIssuer) {
		c.IssuerKey = NameKey(x.RawIssuer)
	}
	return c, nil
}

// SelfIssued reports whether subject and issuer are the same name.
func (c *Cert) SelfIssued() bool { return c.SubjectKey == c.IssuerKey }

// SelfSigned reports whether c is signed by its own key, as a root is. A signature
// of an old kind that is no longer verified counts too: on a root it proves
// nothing anyway.
func (c *Cert) SelfSigned() bool {
	if !c.SelfIssued() {
		return false
	}
	if c.HasKeyIDs() {
		return bytes.Equal(c.AuthorityKeyId, c.SubjectKeyId)
	}
	return c.Verify(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) != SignatureBad
}

// HasKeyIDs reports whether c names both its own key and that of its issuer.
func (c *Cert) HasKeyIDs() bool { return len(c.AuthorityKeyId) > 0 && len(c.SubjectKeyId) > 0 }

// Extension returns the extension oid, or nil.
func (c *Cert) Extension(oid string) *pkix.Extension {
	i := slices.IndexFunc(c.Extensions, func(e pkix.Extension) bool { return e.Id.String() == oid })
	if i < 0 {
		return nil
	}
	return &c.Extensions[i]
}

// HasKeyUsage reports whether c has a keyUsage extension. The extension may list
// nothing, so KeyUsage == 0 does not answer this.
func (c *Cert) HasKeyUsage() bool { return c.Extension("2.5.29.15") != nil }

// HasExtKeyUsage reports whether c has an extended key usage extension.
func (c *Cert) HasExtKeyUsage() bool { return c.Extension("2.5.29.37") != nil }

// Same reports whether both are the same certificate.
func (c *Cert) Same(o *Cert) bool { return bytes.Equal(c.Raw, o.Raw) }

// Finding returns a finding about c.
func (c *Cert) Finding(code finding.Code, format string, args ...any) finding.Finding {
	f := finding.New(code, c.File, c.Block, format, args...)
	f.Subject, f.Serial = c.Name(), Serial(c.SerialNumber)
	return f
}

// Name returns the subject or, if it is empty, another way to identify the
// certificate.
func (c *Cert) Name() string {
	if s := c.Subject.String(); s != "" {
		return Clip(s)
	}
	if names := c.Names(); len(names) > 0 {
		return Clip("SAN " + names[0])
	}
	return "no subject"
}

// IssuerName returns the name of the issuer for people.
func (c *Cert) IssuerName() string { return Clip(cmp.Or(c.Issuer.String(), "no name")) }

// Names lists the subjectAltNames.
func (c *Cert) Names() []string {
	names := slices.Clone(c.DNSNames)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	for _, u := range c.URIs {
		names = append(names, u.String())
	}
	return append(names, c.EmailAddresses...)
}

// Fingerprint returns the SHA-256 of the certificate in hex.
func (c *Cert) Fingerprint() string {
	return fmt.Sprintf("%x", sha256.Sum256(c.Raw))
}

// Serial formats a serial number in hex, as openssl does.
func Serial(n *big.Int) string {
	if n == nil {
		return ""
	}
	s := fmt.Sprintf("%x", new(big.Int).Abs(n))
	if len(s)%2 == 1 {
		s = "0" + s
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return Clip(s)
}

// Clip puts text from a certificate on one line of limited length.
func Clip(s string) string {
	const most = 120
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, s)
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
