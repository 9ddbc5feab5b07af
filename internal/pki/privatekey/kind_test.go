//go:build integration

package privatekey

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"os/exec"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// openssl makes a key of a kind that crypto/x509 does not know.
func openssl(t *testing.T, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("openssl", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s (Debian's package openssl has it)", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// A valid key of an unsupported kind is not reported as damaged.
func TestUnsupported(t *testing.T) {
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"SEC 1":   {openssl(t, "ecparam", "-genkey", "-name", "secp256k1"), "secp256k1"},
		"PKCS#8":  {openssl(t, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"), "secp256k1"},
		"another": {openssl(t, "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:brainpoolP256r1"), "1.3.36.3.3.2.8.1.1.7"},
		"Ed448":   {openssl(t, "genpkey", "-algorithm", "ED448"), "1.3.101.113"},
		"RSA":     {testpki.Block("RSA PRIVATE KEY", hugeRSA(t)), "RSA"},
		"RSA in PKCS#8": {testpki.Block("PRIVATE KEY", marshal(t, struct {
			Version   int
			Algorithm pkix.AlgorithmIdentifier
			Key       []byte
		}{0, pkix.AlgorithmIdentifier{Algorithm: testpki.OID("1.2.840.113549.1.1.1"), Parameters: asn1.NullRawValue}, hugeRSA(t)})), "RSA"},
	} {
		key, found := Read(c.data, "f", nil)
		if key != nil || len(found) != 1 || found[0].Code != finding.KeyUnsupported || !strings.Contains(found[0].Detail, c.want) {
			t.Errorf("%s: found %v", name, found)
		}
	}
}

// hugeRSA has the form of a key that is larger than any supported one.
func hugeRSA(t *testing.T) []byte {
	one := big.NewInt(1)
	n := new(big.Int).Lsh(one, cert.MaxRSA+64)
	return marshal(t, struct {
		Version                     int
		N, E, D, P, Q, Dp, Dq, Qinv *big.Int
	}{0, n.SetBit(n, 0, 1), big.NewInt(65537), one, one, one, one, one, one})
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	der, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
