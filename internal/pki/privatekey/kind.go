package privatekey

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// The beginnings of the forms of a key, as far as they show its kind.

type pkcs1 struct {
	Version int
	Modulus asn1.RawValue
}

type sec1 struct {
	Version int
	Key     []byte
	Curve   asn1.ObjectIdentifier `asn1:"optional,explicit,tag:0"`
}

type pkcs8 struct {
	Version   int
	Algorithm pkix.AlgorithmIdentifier
	Key       []byte
}

// checkKind refuses, before any calculation, keys that are valid but not
// supported: RSA keys so large that they keep us busy, and curves and algorithms
// that crypto/x509 does not know.
func checkKind(der []byte) error {
	var p8 pkcs8
	if _, err := asn1.Unmarshal(der, &p8); err == nil {
		return p8.check()
	}
	var ec sec1
	if _, err := asn1.Unmarshal(der, &ec); err == nil {
		return checkCurve(ec.Curve)
	}
	return checkModulus(der)
}

func (k *pkcs8) check() error {
	switch id := k.Algorithm.Algorithm.String(); id {
	case "1.2.840.113549.1.1.1":
		return checkModulus(k.Key)
	case "1.2.840.10045.2.1":
		var curve asn1.ObjectIdentifier
		if _, err := asn1.Unmarshal(k.Algorithm.Parameters.FullBytes, &curve); err != nil {
			return nil // crypto/x509 reports whether it is damaged
		}
		return checkCurve(curve)
	case "1.3.101.112", "1.3.101.110": // Ed25519, X25519
		return nil
	default:
		return &coded{finding.KeyUnsupported, "it is a key of the algorithm " + cert.Clip(id) + ", which is not supported"}
	}
}

func checkModulus(der []byte) error {
	var k pkcs1
	if _, err := asn1.Unmarshal(der, &k); err != nil || k.Modulus.Tag != asn1.TagInteger {
		return nil
	}
	if bits := 8 * len(k.Modulus.Bytes); bits > cert.MaxRSA+8 { // one octet is for the sign
		return &coded{finding.KeyUnsupported, fmt.Sprintf("it is an RSA key of about %d bits, more than the %d that are supported", bits, cert.MaxRSA)}
	}
	return nil
}

func checkCurve(id asn1.ObjectIdentifier) error {
	switch s := id.String(); s {
	case "", "1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35": // P-224, P-256, P-384, P-521
		return nil
	case "1.3.132.0.10":
		return &coded{finding.KeyUnsupported, "it is an ECDSA key on the curve secp256k1, which is not supported"}
	default:
		return &coded{finding.KeyUnsupported, "it is an ECDSA key on the curve " + cert.Clip(s) + ", which is not supported"}
	}
}
