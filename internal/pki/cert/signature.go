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

// MaxRSA is the size of the largest RSA key that is used, in bits: a larger one
// only serves to keep others busy.
const MaxRSA = 16384

// VerifySignature checks that parent's key signed c. It looks at nothing else.
func VerifySignature(c, parent *Cert) Signature {
	return parent.Verify(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
}

// Verify checks that c's key signed data, a certificate or a CRL.
func (c *Cert) Verify(algorithm x509.SignatureAlgorithm, data, signature []byte) Signature {
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok && k.N.BitLen() > MaxRSA {
		return SignatureUnsupported
	}
	err := c.CheckSignature(algorithm, data, signature)
	var insecure x509.InsecureAlgorithmError
	switch {
	case errors.As(err, &insecure):
		return SignatureWeak
	case errors.Is(err, x509.ErrUnsupportedAlgorithm):
		return SignatureUnsupported
	case err != nil:
		return SignatureBad
	case algorithm == x509.SHA1WithRSA, algorithm == x509.ECDSAWithSHA1:
		return SignatureWeak // CheckSignature still takes SHA-1, for CRLs
	}
	return SignatureGood
}
