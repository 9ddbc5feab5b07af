package keystore

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"math/big"
	"testing"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// The largest supported RSA key is read. A larger one is not decoded, whatever its
// encryption.
func TestLargeKeyInPKCS12(t *testing.T) {
	leaf := testpki.X509(t, testpki.Leaf(t, testpki.Root(t, "Root")))
	for bits, code := range map[int]finding.Code{cert.MaxRSA: "", 2 * cert.MaxRSA: finding.KeyUnsupported} {
		key := falseKey(t, bits)
		for name, encoder := range map[string]*pkcs12.Encoder{"modern": pkcs12.Modern, "legacy": pkcs12.LegacyDES, "plain": pkcs12.Passwordless} {
			password := "changeit"
			if name == "plain" {
				password = ""
			}
			file, err := encoder.Encode(key, leaf, []*x509.Certificate{leaf}, password)
			if err != nil {
				t.Fatal(err)
			}
			s, found := Read(file, "app.p12", []byte(password))
			if code == "" && (len(found) > 0 || s == nil || s.Entries[0].Key == nil) || code != "" && (len(found) != 1 || found[0].Code != code || s != nil) {
				t.Errorf("%d bits, %s: found %v", bits, name, found)
			}
		}
	}
}

// falseKey passes every check of crypto/rsa on a key, except that its primes are
// not prime: finding primes of that size takes too long.
func falseKey(t *testing.T, bits int) *rsa.PrivateKey {
	one, e := big.NewInt(1), big.NewInt(65537)
	for {
		p, q := half(t, bits), half(t, bits)
		pMinus1, qMinus1 := new(big.Int).Sub(p, one), new(big.Int).Sub(q, one)
		order := new(big.Int).Mul(pMinus1, qMinus1)
		order.Div(order, new(big.Int).GCD(nil, nil, pMinus1, qMinus1))
		d, inverse := new(big.Int).ModInverse(e, order), new(big.Int).ModInverse(q, p)
		if d == nil || inverse == nil {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: new(big.Int).Mul(p, q), E: int(e.Int64())}, D: d, Primes: []*big.Int{p, q}}
		key.Precomputed.Dp, key.Precomputed.Dq, key.Precomputed.Qinv = new(big.Int).Mod(d, pMinus1), new(big.Int).Mod(d, qMinus1), inverse
		return key
	}
}

// half returns an odd number of half the bits, so large that the product of two
// such numbers has all the bits.
func half(t *testing.T, bits int) *big.Int {
	n, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), uint(bits/2)))
	if err != nil {
		t.Fatal(err)
	}
	return n.SetBit(n.SetBit(n.SetBit(n, 0, 1), bits/2-1, 1), bits/2-2, 1)
}
