package cert

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"time"
)

// A Signature is the result of checking a signature.
type Signature int

// The results.
const (
	SignatureBad Signature = iota
	SignatureGood
	SignatureWeak        // MD5 or SHA-1
	SignatureUnsupported // an unknown algorithm or key
)

// MaxRSA is the size of the largest RSA key that is used, in bits. Larger keys
// serve only to waste time.
const MaxRSA = 16384

// minRSA is the size of the smallest RSA key that crypto/rsa uses, in bits. It
// does not check signatures of smaller keys.
const minRSA = 1024

// Verify checks that c's key signed data, a certificate or a CRL.
func (c *Cert) Verify(algorithm x509.SignatureAlgorithm, data, signature []byte) Signature {
	if k, ok := c.PublicKey.(*rsa.PublicKey); ok && (k.N.BitLen() > MaxRSA || k.N.BitLen() < minRSA || k.E < 3 || k.E%2 == 0) {
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
		return SignatureWeak // CheckSignature still accepts SHA-1, for CRLs
	}
	return SignatureGood
}

// A Verifier checks signatures up to a limit on the total work, and each only
// once, so that many large keys cannot keep a verifier busy. Which signatures it
// checks does not depend on the speed of the machine.
type Verifier struct {
	spent, limit time.Duration
	known        map[verified]Signature
}

type verified struct {
	signed any    // a pointer to the signed object
	key    string // the key that may have signed it
}

// NewVerifier returns a Verifier that does about as much work as a processor does
// within limit.
func NewVerifier(limit time.Duration) *Verifier {
	return &Verifier{limit: limit, known: make(map[verified]Signature)}
}

// Spent returns roughly how long all signatures checked so far take.
func (v *Verifier) Spent() time.Duration { return v.spent }

// Exhausted reports whether the limit has prevented a check.
func (v *Verifier) Exhausted() bool { return v.spent > v.limit }

// Certificate checks that parent's key signed c. After v is exhausted, the result
// is SignatureBad.
func (v *Verifier) Certificate(c, parent *Cert) Signature {
	return v.Check(c, parent, c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
}

// Check is [Cert.Verify] for the object that signed points to. After v is
// exhausted, the result is SignatureBad.
func (v *Verifier) Check(signed any, by *Cert, algorithm x509.SignatureAlgorithm, data, signature []byte) Signature {
	k := verified{signed, string(by.RawSubjectPublicKeyInfo)}
	if s, ok := v.known[k]; ok {
		return s
	}
	if v.Exhausted() {
		return SignatureBad
	}
	v.spent += by.cost(len(data))
	if v.Exhausted() {
		return SignatureBad
	}
	s := by.Verify(algorithm, data, signature)
	v.known[k] = s
	return s
}

// cost estimates how long it takes to check a signature of c's key over size
// bytes.
func (c *Cert) cost(size int) time.Duration {
	const perOctet = 3 * time.Nanosecond // for SHA-512
	cost := 80 * time.Microsecond        // P-256 and Ed25519
	switch k := c.PublicKey.(type) {
	case *rsa.PublicKey:
		units := time.Duration(k.N.BitLen()/1024 + 1)
		cost = units * units * 10 * time.Microsecond
		if k.E > 1<<17 {
			cost *= 3
		}
	case *ecdsa.PublicKey:
		switch bits := k.Curve.Params().BitSize; {
		case bits > 384:
			cost = 2 * time.Millisecond
		case bits != 256:
			cost = 500 * time.Microsecond
		}
	}
	return cost + time.Duration(size)*perOctet
}
