package testpki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha1"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"slices"
	"time"
)

// A TBS is the signed part of a certificate, open to any change.
type TBS struct {
	Version    int `asn1:"optional,explicit,default:0,tag:0"`
	Serial     *big.Int
	Algorithm  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	Validity   Validity
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	// Outer is the algorithm outside the signed part, if it differs.
	Outer *pkix.AlgorithmIdentifier `asn1:"-"`
}

// Validity has the dates as they are encoded.
type Validity struct{ NotBefore, NotAfter asn1.RawValue }

// Remove removes the extension oid.
func (t *TBS) Remove(oid string) {
	t.Extensions = slices.DeleteFunc(t.Extensions, func(e pkix.Extension) bool { return e.Id.String() == oid })
}

// Critical sets whether the extension oid is critical.
func (t *TBS) Critical(oid string, critical bool) {
	for i, e := range t.Extensions {
		if e.Id.String() == oid {
			t.Extensions[i].Critical = critical
		}
	}
}

type tbsFields struct {
	Version    int `asn1:"optional,explicit,default:0,tag:0"`
	Serial     *big.Int
	Algorithm  pkix.AlgorithmIdentifier
	Issuer     asn1.RawValue
	Validity   Validity
	Subject    asn1.RawValue
	Key        asn1.RawValue
	Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
}

type signed struct {
	TBS       asn1.RawValue
	Algorithm pkix.AlgorithmIdentifier
	Signature asn1.BitString
}

// resign changes der as tpl says and signs it again.
func resign(t TB, der []byte, signer crypto.Signer, tpl *Template) []byte {
	t.Helper()
	var s signed
	_, err := asn1.Unmarshal(der, &s)
	must(t, err)
	var f tbsFields
	_, err = asn1.Unmarshal(s.TBS.FullBytes, &f)
	must(t, err)
	tbs := TBS{f.Version, f.Serial, f.Algorithm, f.Issuer, f.Validity, f.Subject, f.Key, f.Extensions, nil}
	if tpl.NoKeyID {
		tbs.Remove("2.5.29.14")
		tbs.Remove("2.5.29.35")
	}
	if tpl.Edit != nil {
		tpl.Edit(&tbs)
	}
	f = tbsFields{tbs.Version, tbs.Serial, tbs.Algorithm, tbs.Issuer, tbs.Validity, tbs.Subject, tbs.Key, tbs.Extensions}
	raw, err := asn1.Marshal(f)
	must(t, err)
	s.TBS = asn1.RawValue{FullBytes: raw}
	s.Algorithm = tbs.Algorithm
	if tbs.Outer != nil {
		s.Algorithm = *tbs.Outer
	}
	s.Signature = asn1.BitString{Bytes: sign(t, signer, raw)}
	s.Signature.BitLength = 8 * len(s.Signature.Bytes)
	out, err := asn1.Marshal(s)
	must(t, err)
	return out
}

func sign(t TB, key crypto.Signer, message []byte) []byte {
	t.Helper()
	opts, what := crypto.Hash(0), message
	switch key.(type) {
	case ed25519.PrivateKey:
	case *ecdsa.PrivateKey:
		opts, what = crypto.SHA256, digest(message)
	default:
		opts, what = crypto.SHA256, digest(message)
	}
	sig, err := key.Sign(rand.Reader, what, opts)
	must(t, err)
	return sig
}

// CRL makes a revocation list of issuer, in PEM.
func CRL(t TB, issuer *Cert, edit func(*x509.RevocationList), revoked ...*Cert) []byte {
	t.Helper()
	now := time.Now()
	list := &x509.RevocationList{Number: big.NewInt(1), ThisUpdate: now.Add(-time.Hour), NextUpdate: now.Add(24 * time.Hour)}
	for _, c := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: X509(t, c).SerialNumber, RevocationTime: now.Add(-30 * time.Minute), ReasonCode: 1,
		})
	}
	if edit != nil {
		edit(list)
	}
	parent := &x509.Certificate{Subject: issuer.Name, SubjectKeyId: issuer.KeyID, KeyUsage: x509.KeyUsageCRLSign}
	der, err := x509.CreateRevocationList(rand.Reader, list, parent, issuer.Key)
	must(t, err)
	return Block("X509 CRL", der)
}

// SignSHA1 signs the certificate der again with SHA-1, which crypto/x509 no longer
// does.
func SignSHA1(t TB, der []byte, key crypto.Signer) []byte {
	t.Helper()
	var s signed
	_, err := asn1.Unmarshal(der, &s)
	must(t, err)
	var f tbsFields
	_, err = asn1.Unmarshal(s.TBS.FullBytes, &f)
	must(t, err)
	f.Algorithm = pkix.AlgorithmIdentifier{Algorithm: OID("1.2.840.113549.1.1.5"), Parameters: asn1.NullRawValue}
	raw, err := asn1.Marshal(f)
	must(t, err)
	sum := sha1.Sum(raw)
	sig, err := key.Sign(rand.Reader, sum[:], crypto.SHA1)
	must(t, err)
	out, err := asn1.Marshal(signed{asn1.RawValue{FullBytes: raw}, f.Algorithm, asn1.BitString{Bytes: sig, BitLength: 8 * len(sig)}})
	must(t, err)
	return out
}
