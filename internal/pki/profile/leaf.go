package profile

import (
	"crypto/dsa" //lint:ignore SA1019 only to name the kind of key
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/names"
)

// leaf judges the first certificate of the path.
func (r *rules) leaf(serves bool) {
	if r.IsCA {
		r.add(finding.LeafIsCA, "it is a CA in the place of the leaf")
	} else if r.KeyUsage&x509.KeyUsageCertSign != 0 {
		r.add(finding.KeyUsageOdd, "it is not a CA, but its keyUsage has keyCertSign")
	}
	if r.Extension(oidEKU) == nil {
		r.add(finding.EKUMissing, "it has no extended key usage")
	} else if slices.Contains(r.ExtKeyUsage, x509.ExtKeyUsageAny) {
		r.add(finding.EKUAny, "its extended key usage is anyExtendedKeyUsage")
	}
	if serves {
		r.subjectNames()
	}
}

// subjectNames checks the names that the leaf is for.
func (r *rules) subjectNames() {
	cn := r.Subject.CommonName
	switch {
	case r.Extension(oidSAN) != nil && string(r.Extension(oidSAN).Value) == "\x30\x00":
		r.add(finding.SANMalformed, "its subjectAltName lists nothing")
		return
	case r.Extension(oidSAN) != nil:
	case names.ValidHost(cn, true):
		r.add(finding.CNOnly, "its only name is the common name %q", cert.Clip(cn))
		return
	default:
		r.add(finding.SANMissing, "it has no subjectAltName")
		return
	}
	if cn != "" && !slices.Contains(r.Names(), cn) {
		r.add(finding.CNNotInSAN, "its common name %q is not among its subjectAltNames", cert.Clip(cn))
	}
	for _, n := range r.DNSNames {
		switch names.CheckPresented(n) {
		case names.Malformed:
			r.add(finding.SANMalformed, "the subjectAltName %q is not a DNS name", cert.Clip(n))
		case names.WildcardForm:
			r.add(finding.WildcardForm, "the wildcard in %q is not the whole left-most label", cert.Clip(n))
		case names.PublicSuffix:
			r.add(finding.WildcardSuffix, "the wildcard %q is directly below a public suffix", cert.Clip(n))
		}
	}
	for _, u := range r.URIs {
		if u.Scheme == "" || strings.EqualFold(u.Scheme, "spiffe") && (u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
			r.add(finding.SANMalformed, "the subjectAltName %q is not an absolute URI, or not a SPIFFE ID", cert.Clip(u.String()))
		}
	}
}

const (
	leastRSA      = 2048
	mostRSA       = 16384
	leastExponent = 65537
	leastCurve    = 256
)

// key judges the public key.
func (r *rules) key() {
	switch k := r.PublicKey.(type) {
	case *rsa.PublicKey:
		n := k.N.BitLen()
		switch {
		case n < leastRSA:
			r.add(finding.KeyWeak, "its RSA key has %d bits; at least %d are needed", n, leastRSA)
		case n%8 != 0 || n > mostRSA:
			r.add(finding.KeyWeak, "its RSA key has %d bits, which is odd", n)
		}
		if k.E < leastExponent || k.E%2 == 0 {
			r.add(finding.KeyWeak, "its RSA key has the exponent %d; it must be odd and at least %d", k.E, leastExponent)
		}
	case *ecdsa.PublicKey:
		if p := k.Curve.Params(); p.BitSize < leastCurve {
			r.add(finding.KeyWeak, "its key is on the small curve %s", p.Name)
		}
	case *dsa.PublicKey:
		r.add(finding.KeyWeak, "its key is DSA")
	case nil:
		r.add(finding.KeyWeak, "its key is of a kind that is not known (%s)", r.outline.TBS.Key.Algorithm.Algorithm)
	}
}
