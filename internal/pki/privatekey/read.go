// Package privatekey reads private keys: PKCS#1, PKCS#8, SEC 1, and PKCS#8
// encrypted with PBES2. Its findings never contain any part of a key.
package privatekey

import (
	"crypto"
	"crypto/dsa" //lint:ignore SA1019 only to name the kind of key
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/encoding"
	"github.com/initbox/initbox/internal/pki/finding"
)

// A Key is a private key.
type Key = crypto.Signer

// Read returns the private key in data; more than one is a finding. A nil password
// means that there is none.
func Read(data []byte, file string, password []byte) (Key, finding.List) {
	var (
		keys  []Key
		found finding.List
	)
	blocks := 0
	list := encoding.Each(data, file, func(b encoding.Block) {
		if b.Type == "EC PARAMETERS" { // openssl ecparam -genkey writes them before the key
			return
		}
		blocks++
		key, l := fromBlock(b, file, password)
		found = append(found, l...)
		if key != nil {
			keys = append(keys, key)
		}
	})
	list = append(list, found...)
	switch {
	case len(keys) > 1:
		list.Add(finding.KeySeveral, file, 0, "it has %d private keys", len(keys))
	case blocks == 0 && len(list) == 0:
		list.Add(finding.PEMWrongKind, file, 0, "it has parameters but no private key")
	}
	if len(keys) == 0 {
		return nil, list
	}
	return keys[0], list
}

func fromBlock(b encoding.Block, file string, password []byte) (Key, finding.List) {
	fail := func(code finding.Code, format string, args ...any) (Key, finding.List) {
		return nil, finding.List{finding.New(code, file, b.Number, format, args...)}
	}
	switch {
	case b.Legacy:
		return fail(finding.KeyLegacyEncryption, "it is encrypted the old way of OpenSSL (DEK-Info)")
	case b.Type == "DSA PRIVATE KEY", b.Type == "OPENSSH PRIVATE KEY":
		return fail(finding.KeyUnsupported, "it is a %s", b.Type)
	case b.Type != "" && !cert.IsPrivateKey(b.Type):
		return fail(finding.PEMWrongKind, "it is %s, not a private key", cert.Kind(b.Type))
	}
	der := b.DER
	if b.Type == "ENCRYPTED PRIVATE KEY" || b.Type == "" && isEncrypted(der) {
		if password == nil {
			return fail(finding.KeyEncrypted, "it is encrypted, and there is no password")
		}
		var err error
		if der, err = decrypt(der, password); err != nil {
			return fail(codeOf(err), "%v", err)
		}
	}
	key, err := parse(der)
	if err != nil {
		if _, e := x509.ParseCertificate(der); e == nil {
			return fail(finding.PEMWrongKind, "it is a certificate, not a private key")
		}
		return fail(codeOf(err), "%v", err)
	}
	return key, nil
}

// A coded error has a reason code.
type coded struct {
	code finding.Code
	text string
}

func (e *coded) Error() string { return e.text }

func codeOf(err error) finding.Code {
	if c := (*coded)(nil); errors.As(err, &c) {
		return c.code
	}
	return finding.KeyMalformed
}

// Parse reads a key in DER, in any of its forms. If it returns an error, code is
// the reason code.
func Parse(der []byte) (key Key, code finding.Code, err error) {
	if key, err = parse(der); err != nil {
		return nil, codeOf(err), err
	}
	return key, "", nil
}

// parse reads a key in any of its forms. It ignores the PEM label, because many
// files have the wrong one.
func parse(der []byte) (Key, error) {
	if err := checkKind(der); err != nil {
		return nil, err
	}
	if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return k, nil
	}
	if k, err := x509.ParseECPrivateKey(der); err == nil {
		return k, nil
	}
	k, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, errors.New("it is not a private key of a known form, or it is damaged")
	}
	if signer, ok := k.(Key); ok {
		return signer, nil
	}
	return nil, &coded{finding.KeyUnsupported, "it is a key that cannot sign (X25519)"}
}

// Matches reports whether key belongs to the public key of a certificate.
func Matches(key Key, public crypto.PublicKey) bool {
	p, ok := key.Public().(interface{ Equal(crypto.PublicKey) bool })
	return ok && p.Equal(public)
}

// Describe returns the kind and size of a public key: "RSA 2048", "ECDSA P-256".
func Describe(public crypto.PublicKey) string {
	switch k := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf("RSA %d", k.N.BitLen())
	case *ecdsa.PublicKey:
		return "ECDSA " + k.Curve.Params().Name
	case ed25519.PublicKey:
		return "Ed25519"
	case *dsa.PublicKey:
		return fmt.Sprintf("DSA %d", k.P.BitLen())
	}
	return "of an unknown kind"
}
