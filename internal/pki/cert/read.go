package cert

import (
	"context"
	"crypto/x509"
	"strings"

	"github.com/initbox/initbox/internal/pki/encoding"
	"github.com/initbox/initbox/internal/pki/finding"
)

// Each calls visit for every block in data, PEM or DER, until ctx is done: with
// the certificate, or with nil if the block is something else. It returns what is
// wrong with the file.
func Each(ctx context.Context, data []byte, file string, visit func(*Cert, encoding.Block)) finding.List {
	var found finding.List
	encodingFindings := encoding.Each(data, file, func(b encoding.Block) {
		if ctx.Err() != nil {
			return
		}
		if !isCertificate(b.Type) {
			visit(nil, b)
			return
		}
		c, l := Parse(b.DER, file, b.Number)
		found = append(found, l...)
		if c != nil {
			visit(c, b)
		}
	})
	return append(encodingFindings, found...)
}

// ReadAll returns the certificates in data. A block of another kind is a finding.
func ReadAll(ctx context.Context, data []byte, file string) ([]*Cert, finding.List) {
	var (
		certs []*Cert
		wrong finding.List
	)
	found := Each(ctx, data, file, func(c *Cert, b encoding.Block) {
		if c != nil {
			certs = append(certs, c)
			return
		}
		wrong.Add(finding.PEMWrongKind, file, b.Number, "it is %s, not a certificate", Kind(b.Type))
	})
	return certs, append(found, wrong...)
}

// FromChain reads the certificates of a keystore or a server. Their number counts
// as their block.
func FromChain(chain []*x509.Certificate, file string) (certs []*Cert, found finding.List) {
	for i, x := range chain {
		c, l := Parse(x.Raw, file, i+1)
		found = append(found, l...)
		if c != nil {
			certs = append(certs, c)
		}
	}
	return certs, found
}

func isCertificate(kind string) bool {
	return kind == "CERTIFICATE" || kind == "X509 CERTIFICATE" || kind == ""
}

// Kind describes the type of a PEM block.
func Kind(kind string) string {
	switch {
	case kind == "TRUSTED CERTIFICATE":
		return "a certificate in the form of OpenSSL (TRUSTED CERTIFICATE), which nothing else reads"
	case kind == "CERTIFICATE REQUEST", kind == "NEW CERTIFICATE REQUEST":
		return "a request for a certificate"
	case kind == "X509 CRL":
		return "a CRL"
	case kind == "PKCS7", kind == "CMS":
		return "a PKCS#7 container"
	case IsPrivateKey(kind):
		return "a private key"
	case strings.HasSuffix(kind, "PUBLIC KEY"):
		return "a public key"
	case isCertificate(kind):
		return "a certificate"
	}
	return "a block " + Clip(kind)
}

// IsPrivateKey reports whether a PEM block of that type is a private key.
func IsPrivateKey(kind string) bool { return strings.HasSuffix(kind, "PRIVATE KEY") }
