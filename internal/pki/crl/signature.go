package crl

import (
	"crypto/x509"
	"fmt"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// A fault says why a list cannot be trusted to come from its issuer. next is the
// next step, "" for the usual one: fetch another list.
type fault struct{ why, next string }

func (f *fault) of(l *List) finding.Finding {
	out := l.finding(finding.CRLSignature, "%s", f.why)
	if f.next != "" {
		out.Next = f.next
	}
	return out
}

// signatureFault returns why l does not come from the issuer, the first of above,
// or nil. A CA may have a second key for CRLs, in a certificate of the same name
// (RFC 5280, 6.3.3 f). That certificate is on the chain if the CA has changed its
// key, or a CA on the chain has issued it.
func (k *Checker) signatureFault(l *List, above []*cert.Cert) *fault {
	f := k.signedBy(l, above[0])
	if f == nil {
		return nil
	}
	k.examined += len(above)
	for _, c := range above[1:] {
		if c.SubjectKey == above[0].SubjectKey && k.signedBy(l, c) == nil {
			return nil
		}
	}
	// Keys that the list names come first, so that others cannot use up the effort.
	for _, named := range []bool{true, false} {
		for _, c := range k.signers[above[0].SubjectKey] {
			if k.examined++; k.over() {
				return f
			}
			if named != (string(l.AuthorityKeyId) == string(c.SubjectKeyId)) || k.signedBy(l, c) != nil || !k.issued(c, above) {
				continue
			}
			return k.dated(c)
		}
	}
	return f
}

// issued reports whether one of above has issued c.
func (k *Checker) issued(c *cert.Cert, above []*cert.Cert) bool {
	for _, i := range above {
		k.examined++
		if c.IssuerKey == i.SubjectKey && k.verifier.Certificate(c, i) == cert.SignatureGood {
			return true
		}
	}
	return false
}

// dated returns why c, the certificate of a key for CRLs, is not valid now, or
// nil.
func (q Query) dated(c *cert.Cert) *fault {
	if q.At.Add(q.Skew).Before(c.NotBefore) || q.At.Add(-q.Skew).After(c.NotAfter) {
		return &fault{fmt.Sprintf("the certificate of the key that signed it (%s block %d) is not valid now", c.File, c.Block),
			"renew the certificate of the key that signs the CRLs"}
	}
	return nil
}

// signedBy returns why l is not properly signed by issuer's key, or nil.
func (k *Checker) signedBy(l *List, issuer *cert.Cert) *fault {
	if issuer.HasKeyUsage() && issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return &fault{fmt.Sprintf("the keyUsage of %q lacks cRLSign, so it may not sign CRLs", issuer.Name()),
			"issue the CA again with cRLSign, or give the certificate of its key for CRLs with --intermediates"}
	}
	switch k.verifier.Check(l, issuer, l.SignatureAlgorithm, l.RawTBSRevocationList, l.Signature) {
	case cert.SignatureGood:
		return nil
	case cert.SignatureWeak:
		return &fault{fmt.Sprintf("it is signed with %s, which anyone can forge", l.SignatureAlgorithm),
			"have the CA sign its CRLs with SHA-256"}
	case cert.SignatureUnsupported:
		return &fault{fmt.Sprintf("its signature, %s by a key of %q, is of a kind that is not supported", l.SignatureAlgorithm, issuer.Name()),
			"have the CA sign its CRLs with RSA, ECDSA or Ed25519"}
	}
	return &fault{why: "it was not signed by the key of the CA on the chain"}
}
