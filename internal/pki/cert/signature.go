package cert

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"time"
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

// minRSA is the size of the smallest RSA key that crypto/rsa uses, in bits. Of a
// smaller one it does not tell whether a signature is right.
const minRSA = 1024

// verifySignature checks that parent's key signed c. It looks at nothing else.
func verifySignature(c, parent *Cert) Signature {
	return parent.Verify(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
}

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
		return SignatureWeak // CheckSignature still takes SHA-1, for CRLs
	}
	return SignatureGood
}

// A Verifier checks signatures until it has done as much as it may, and none
// twice: who sends many large keys must not keep others busy. Which signatures
// it gets to does not depend on how fast the machine is.
type Verifier struct {
	spent, limit time.Duration
	known        map[verified]Signature
}

type verified struct {
	signed any    // a pointer to what is signed
	key    string // that may have signed it
}

// NewVerifier returns a Verifier that does about as much as a processor can in limit.
func NewVerifier(limit time.Duration) *Verifier {
	return &Verifier{limit: limit, known: make(map[verified]Signature)}
}

// Spent is about how long all signatures checked so far take.
func (v *Verifier) Spent() time.Duration { return v.spent }

// Exhausted reports whether some signature could not be checked any more.
func (v *Verifier) Exhausted() bool { return v.spent > v.limit }

// Certificate checks that parent's key signed c. It is bad once v is exhausted.
func (v *Verifier) Certificate(c, parent *Cert) Signature {
	return v.Check(c, parent, c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature)
}

// Check is like [Cert.Verify] for what signed points to, but bad once v is exhausted.
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

// cost is about how long it takes to check a signature by c's key.
func (c *Cert) cost(size int) time.Duration {
	const perOctet = 3 * time.Nanosecond // of SHA-512
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
