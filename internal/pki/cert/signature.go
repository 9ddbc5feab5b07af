package cert

import (
	"crypto/rsa"
	"crypto/x509"
	"errors"
)

// A Signature is the outcome of checking one.
type Signature int

// The outcomes.
const (
	SignatureBad Signature = iota
	SignatureGood
	SignatureWeak        // MD5 or SHA-1
	SignatureUnsupported // an algorithm or key that is not known
)

// maxRSA is the size of the largest RSA key that is used: a larger one only
// serves to keep others busy.
const maxRSA = 16384

// VerifySignature checks that parent's key signed c. It looks at nothing else.
func VerifySignature(c, parent *Cert) Signature {
	if k, ok := parent.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() > maxRSA {
		return SignatureUnsupported
	}
	err := parent.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
	var insecure x509.InsecureAlgorithmError
	switch {
	case errors.As(err, &insecure):
		return SignatureWeak
	case errors.Is(err, x509.ErrUnsupportedAlgorithm):
		return SignatureUnsupported
	case err != nil:
		return SignatureBad
	case c.SignatureAlgorithm == x509.SHA1WithRSA, c.SignatureAlgorithm == x509.ECDSAWithSHA1:
		return SignatureWeak // CheckSignature still takes SHA-1, for CRLs
	}
	return SignatureGood
}
