package keystore

import (
	"bytes"
	"encoding/asn1"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// What a PKCS#12 may demand, which limits how long it can keep us busy. Reading an
// RSA key takes crypto/rsa 12 ms at 16384 bits (9288 bytes) and 0.2 s at 65536,
// but 2 s and two minutes if the key lacks the values that follow from its primes.
// A key that is encrypted again, together with the certificates, is not seen here;
// only someone who knows the password can have put it there.
const (
	maxIterations = 2_000_000
	maxKey        = 12 << 10 // bytes, including the overhead of encryption
	deepest       = 32
)

// reasonable returns the first thing in der that demands too much, which is a
// reason not to decode the keystore at all, or nil. An
// iteration count always follows a salt: that of the MAC is an octet string next
// to its digest.
func reasonable(der []byte, file string, depth int) finding.List {
	if depth > deepest {
		return malformed(file, "it is nested too deeply")
	}
	afterSalt, afterKeyID := false, false
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return nil // the decoder reports what is wrong
		}
		universal := v.Class == asn1.ClassUniversal
		switch {
		case universal && v.Tag == asn1.TagInteger && afterSalt && tooMany(v.Bytes):
			return malformed(file, "it asks for more than %d iterations of its password", maxIterations)
		case afterKeyID && len(v.Bytes) > maxKey:
			return finding.List{finding.New(finding.KeyUnsupported, file, 0, "its key takes %d bytes, more than a key of %d bits, the largest that is supported", len(v.Bytes), cert.MaxRSA)}
		case v.IsCompound, v.Tag == asn1.TagOctetString && len(v.Bytes) > 2 && v.Bytes[0] == 0x30:
			if found := reasonable(v.Bytes, file, depth+1); found != nil {
				return found
			}
		}
		afterSalt = universal && v.Tag == asn1.TagOctetString
		afterKeyID = universal && v.Tag == asn1.TagOID && isKeyBag(v.Bytes)
		der = rest
	}
	return nil
}

// isKeyBag reports whether oid is a keyBag or a pkcs8ShroudedKeyBag,
// 1.2.840.113549.1.12.10.1.1 and .2.
func isKeyBag(oid []byte) bool {
	last, ok := bytes.CutPrefix(oid, []byte{0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x0c, 0x0a, 0x01})
	return ok && len(last) == 1 && (last[0] == 1 || last[0] == 2)
}

func tooMany(number []byte) bool {
	n := 0
	for _, b := range number {
		if n = n<<8 | int(b); n > maxIterations {
			return true
		}
	}
	return false
}
