package privatekey

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/des"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"hash"

	"github.com/initbox/initbox/internal/pki/finding"
)

// PKCS#8 with PBES2 (RFC 8018), as openssl pkcs8 -topk8, cert-manager and Java's
// tools write it. The standard library cannot read it.

type encryptedKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Data      []byte
}

type pbes2Params struct{ KDF, Cipher pkix.AlgorithmIdentifier }

type pbkdf2Params struct {
	Salt       []byte
	Iterations int
	KeyLength  int                      `asn1:"optional"`
	PRF        pkix.AlgorithmIdentifier `asn1:"optional"`
}

// maxIterations limits how long a key file can keep us busy, to about half a
// second.
const maxIterations = 2_000_000

func isEncrypted(der []byte) bool {
	var k encryptedKey
	rest, err := asn1.Unmarshal(der, &k)
	return err == nil && len(rest) == 0 && len(k.Algorithm.Algorithm) > 0
}

// decrypt returns the PKCS#8 key inside an encrypted one.
func decrypt(der, password []byte) ([]byte, error) {
	var k encryptedKey
	if rest, err := asn1.Unmarshal(der, &k); err != nil || len(rest) > 0 {
		return nil, &coded{finding.KeyMalformed, "it is not an encrypted PKCS#8 key"}
	}
	if k.Algorithm.Algorithm.String() != "1.2.840.113549.1.5.13" {
		return nil, unsupported("encryption", k.Algorithm.Algorithm)
	}
	var p pbes2Params
	if _, err := asn1.Unmarshal(k.Algorithm.Parameters.FullBytes, &p); err != nil {
		return nil, &coded{finding.KeyMalformed, "the parameters of its encryption are damaged"}
	}
	makeCipher, keyLength := cipherOf(p.Cipher.Algorithm)
	if makeCipher == nil {
		return nil, unsupported("cipher", p.Cipher.Algorithm)
	}
	key, err := derive(p.KDF, password, keyLength)
	if err != nil {
		return nil, err
	}
	block, err := makeCipher(key)
	if err != nil {
		return nil, err
	}
	var iv []byte
	if _, err := asn1.Unmarshal(p.Cipher.Parameters.FullBytes, &iv); err != nil || len(iv) != block.BlockSize() ||
		len(k.Data) == 0 || len(k.Data)%block.BlockSize() != 0 {
		return nil, &coded{finding.KeyMalformed, "its encrypted part is damaged"}
	}
	plain := make([]byte, len(k.Data))
	cipher.NewCBCDecrypter(block, iv).CryptBlocks(plain, k.Data)
	pad := int(plain[len(plain)-1])
	if pad == 0 || pad > block.BlockSize() || pad > len(plain) {
		return nil, wrongPassword()
	}
	plain = plain[:len(plain)-pad]
	if _, err := parse(plain); err != nil {
		return nil, wrongPassword() // with a wrong password, the padding is right once in 256 times
	}
	return plain, nil
}

func derive(kdf pkix.AlgorithmIdentifier, password []byte, length int) ([]byte, error) {
	if kdf.Algorithm.String() != "1.2.840.113549.1.5.12" {
		return nil, unsupported("key derivation", kdf.Algorithm)
	}
	var p pbkdf2Params
	if _, err := asn1.Unmarshal(kdf.Parameters.FullBytes, &p); err != nil {
		return nil, &coded{finding.KeyMalformed, "the parameters of its encryption are damaged"}
	}
	if p.Iterations < 1 || p.Iterations > maxIterations {
		return nil, &coded{finding.KeyUnsupported, fmt.Sprintf("its password takes %d iterations; at most %d are allowed", p.Iterations, maxIterations)}
	}
	prf := prfOf(p.PRF.Algorithm)
	if prf == nil {
		return nil, unsupported("key derivation", p.PRF.Algorithm)
	}
	return pbkdf2.Key(prf, string(password), p.Salt, p.Iterations, length)
}

func cipherOf(id asn1.ObjectIdentifier) (make func([]byte) (cipher.Block, error), keyLength int) {
	switch id.String() {
	case "2.16.840.1.101.3.4.1.2":
		return aes.NewCipher, 16
	case "2.16.840.1.101.3.4.1.22":
		return aes.NewCipher, 24
	case "2.16.840.1.101.3.4.1.42":
		return aes.NewCipher, 32
	case "1.2.840.113549.3.7":
		return des.NewTripleDESCipher, 24
	}
	return nil, 0
}

func prfOf(id asn1.ObjectIdentifier) func() hash.Hash {
	switch id.String() {
	case "", "1.2.840.113549.2.7":
		return sha1.New
	case "1.2.840.113549.2.8":
		return sha256.New224
	case "1.2.840.113549.2.9":
		return sha256.New
	case "1.2.840.113549.2.10":
		return sha512.New384
	case "1.2.840.113549.2.11":
		return sha512.New
	}
	return nil
}

func unsupported(what string, id asn1.ObjectIdentifier) error {
	return &coded{finding.KeyUnsupported, fmt.Sprintf("its %s (%s) is not supported", what, id)}
}

func wrongPassword() error { return &coded{finding.KeyPassword, "the password does not open it"} }
