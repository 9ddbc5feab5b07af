// Package testpki makes CAs and certificates for tests: correct ones by default,
// and wrong ones in every way that a test asks for.
package testpki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	"time"
)

// A TB is the part of [testing.TB] that this package needs.
type TB interface {
	Helper()
	Fatal(args ...any)
}

// A Cert is a certificate with its key and issuer.
type Cert struct {
	DER    []byte
	Key    crypto.Signer
	Name   pkix.Name
	KeyID  []byte
	Issuer *Cert // itself if it is self-signed
}

// A Template describes a certificate to make. Options change it.
type Template struct {
	x509.Certificate
	Key     crypto.Signer // of the subject
	Edit    func(*TBS)    // changes the part to sign, after x509 has made it
	Forge   bool          // break the signature
	NoKeyID bool          // leave out the key identifiers
}

// An Option changes a Template.
type Option func(*Template)

// Root makes a self-signed CA.
func Root(t TB, name string, options ...Option) *Cert {
	t.Helper()
	return New(t, name, nil, append([]Option{CA}, options...)...)
}

// Leaf makes a server certificate for the DNS name app.test, issued by issuer.
// Options may change that.
func Leaf(t TB, issuer *Cert, options ...Option) *Cert {
	t.Helper()
	return New(t, "app", issuer, append([]Option{Names("app.test")}, options...)...)
}

// CA makes the certificate a CA.
func CA(t *Template) {
	t.IsCA, t.BasicConstraintsValid, t.MaxPathLen = true, true, -1
	t.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	t.ExtKeyUsage = nil
}

// Names sets the DNS names.
func Names(names ...string) Option { return func(t *Template) { t.DNSNames = names } }

// Valid sets the period of validity, relative to now.
func Valid(from, to time.Duration) Option {
	return func(t *Template) {
		now := time.Now().Truncate(time.Second)
		t.NotBefore, t.NotAfter = now.Add(from), now.Add(to)
	}
}

// Edit changes the part that is signed.
func Edit(edit func(*TBS)) Option { return func(t *Template) { t.Edit = edit } }

// Extension adds an extension.
func Extension(oid string, critical bool, value []byte) Option {
	return func(t *Template) {
		t.ExtraExtensions = append(t.ExtraExtensions, pkix.Extension{Id: OID(oid), Critical: critical, Value: value})
	}
}

// OID parses a number such as "2.5.29.17".
func OID(s string) asn1.ObjectIdentifier {
	var id asn1.ObjectIdentifier
	n := 0
	for _, c := range s + "." {
		if c == '.' {
			id, n = append(id, n), 0
		} else {
			n = n*10 + int(c-'0')
		}
	}
	return id
}

// New makes a certificate; a nil issuer makes it self-signed.
func New(t TB, name string, issuer *Cert, options ...Option) *Cert {
	t.Helper()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 100))
	must(t, err)
	now := time.Now().Truncate(time.Second)
	tpl := &Template{Certificate: x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(365 * 24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}}
	for _, o := range options {
		o(tpl)
	}
	if tpl.Key == nil {
		tpl.Key = Key(t)
	}
	c := &Cert{Key: tpl.Key, Name: tpl.Subject, Issuer: issuer}
	if issuer == nil {
		c.Issuer = c
	}
	if c.KeyID = tpl.SubjectKeyId; c.KeyID == nil && !tpl.NoKeyID {
		c.KeyID = keyID(t, tpl.Key)
		if tpl.IsCA {
			tpl.SubjectKeyId = c.KeyID
		}
	}
	parent := &x509.Certificate{Subject: c.Issuer.Name, SubjectKeyId: c.Issuer.KeyID}
	signer := c.Issuer.Key
	if tpl.NoKeyID {
		parent.SubjectKeyId = nil
	}
	if issuer == nil {
		parent = &tpl.Certificate
	}
	// CreateCertificate makes only correct certificates, so the changes follow below.
	c.DER, err = x509.CreateCertificate(rand.Reader, &tpl.Certificate, parent, tpl.Key.Public(), signer)
	must(t, err)
	if tpl.Edit != nil || tpl.NoKeyID {
		c.DER = resign(t, c.DER, signer, tpl)
	}
	if tpl.Forge {
		c.DER = bytes.Clone(c.DER)
		c.DER[len(c.DER)-1] ^= 1
	}
	return c
}

// Key makes an ECDSA key.
func Key(t TB) crypto.Signer {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	return k
}

func keyID(t TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	must(t, err)
	sum := sha1.Sum(der)
	return sum[:]
}

func must(t TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// PEM returns the certificates as one PEM file.
func PEM(certs ...*Cert) []byte {
	var b []byte
	for _, c := range certs {
		b = append(b, Block("CERTIFICATE", c.DER)...)
	}
	return b
}

// Block returns one PEM block.
func Block(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// KeyPEM returns the key of c as PKCS#8 in PEM.
func KeyPEM(t TB, c *Cert) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.Key)
	must(t, err)
	return Block("PRIVATE KEY", der)
}

// X509 returns c parsed.
func X509(t TB, c *Cert) *x509.Certificate {
	t.Helper()
	x, err := x509.ParseCertificate(c.DER)
	must(t, err)
	return x
}

// digest returns the hash that the keys of this package sign.
func digest(b []byte) []byte {
	sum := sha256.Sum256(b)
	return sum[:]
}
