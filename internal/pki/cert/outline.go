package cert

import (
	"bytes"
	"encoding/asn1"
	"fmt"
	"math/big"
	"strings"

	"github.com/initbox/initbox/internal/pki/finding"
)

// An Outline is what can be read from a certificate whose details are wrong.
type Outline struct {
	Version    int // as in the certificate: 2 means version 3
	Serial     *big.Int
	SerialLen  int // octets
	Inner      []byte
	Outer      []byte
	Issuer     asn1.RawValue
	NotBefore  asn1.RawValue
	NotAfter   asn1.RawValue
	Subject    asn1.RawValue
	KeyAlg     asn1.ObjectIdentifier
	Curve      asn1.ObjectIdentifier
	Extensions []Extension
}

// An Extension is one extension as it is encoded.
type Extension struct {
	ID       asn1.ObjectIdentifier
	Critical bool `asn1:"optional"`
	Value    []byte
}

type outer struct {
	TBS       tbs
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

type tbs struct {
	Raw        asn1.RawContent
	Version    int `asn1:"optional,explicit,default:0,tag:0"`
	Serial     asn1.RawValue
	Algorithm  asn1.RawValue
	Issuer     asn1.RawValue
	Validity   validity
	Subject    asn1.RawValue
	Key        publicKey
	IssuerID   asn1.BitString `asn1:"optional,tag:1"`
	SubjectID  asn1.BitString `asn1:"optional,tag:2"`
	Extensions []Extension    `asn1:"omitempty,optional,explicit,tag:3"`
}

type validity struct{ NotBefore, NotAfter asn1.RawValue }

type publicKey struct {
	Algorithm struct {
		ID     asn1.ObjectIdentifier
		Params asn1.RawValue `asn1:"optional"`
	}
	Key asn1.BitString
}

// ReadOutline reads the structure of der without judging its content.
func ReadOutline(der []byte) (*Outline, error) {
	var c outer
	rest, err := asn1.Unmarshal(der, &c)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow it", len(rest))
	}
	t := c.TBS
	o := &Outline{
		Version: t.Version, Serial: signed(t.Serial.Bytes), SerialLen: len(t.Serial.Bytes),
		Inner: t.Algorithm.FullBytes, Outer: c.Algorithm.FullBytes,
		Issuer: t.Issuer, Subject: t.Subject,
		NotBefore: t.Validity.NotBefore, NotAfter: t.Validity.NotAfter,
		KeyAlg: t.Key.Algorithm.ID, Extensions: t.Extensions,
	}
	_, _ = asn1.Unmarshal(t.Key.Algorithm.Params.FullBytes, &o.Curve) // only elliptic curve keys have a curve
	return o, nil
}

// signed reads a two's complement number.
func signed(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	if len(b) > 0 && b[0]&0x80 != 0 {
		n.Sub(n, new(big.Int).Lsh(big.NewInt(1), uint(8*len(b))))
	}
	return n
}

// explain says why der is not a certificate: the rules that it breaks or, if none
// is found, the error of the parser.
func explain(der []byte, file string, block int, err error) finding.List {
	text := strings.TrimPrefix(err.Error(), "x509: ")
	o, outlineErr := ReadOutline(der)
	if outlineErr != nil {
		return finding.List{finding.New(finding.CertMalformed, file, block, "%s", Clip(text))}
	}
	var l finding.List
	add := func(code finding.Code, format string, args ...any) {
		f := finding.New(code, file, block, format, args...)
		f.Serial = Serial(o.Serial)
		l = append(l, f)
	}
	if o.Serial.Sign() < 0 {
		add(finding.SerialNegative, "the serial number is negative")
	}
	if o.Version < 0 || o.Version > 2 {
		add(finding.VersionInvalid, "the version is %d; only 1 to 3 exist", o.Version+1)
	}
	if !bytes.Equal(o.Inner, o.Outer) {
		add(finding.AlgorithmMismatch, "the signature algorithm inside the signed part is not the one outside")
	}
	seen := make(map[string]bool)
	for _, e := range o.Extensions {
		id := e.ID.String()
		if seen[id] {
			add(finding.DuplicateExtension, "the extension %s is there twice", ExtensionName(e.ID))
		}
		seen[id] = true
		if e.Critical && neverCritical(id) {
			add(finding.Criticality, "%s must not be critical", ExtensionName(e.ID))
		}
	}
	if o.smallCurve() {
		add(finding.KeyUnsupported, "the key is on a curve that is too small or not known (%s)", o.Curve)
	}
	if seen["2.5.29.30"] && aboutNameConstraints(text) {
		add(finding.NameConstraintsMalformed, "%s", Clip(text))
	}
	if strings.Contains(text, "CRL distribution point") && o.relativePoint() {
		add(finding.CertMalformed, "its cRLDistributionPoints has a name relative to that of the CRL's issuer (nameRelativeToCRLIssuer): "+
			"RFC 5280 allows that, but Go's crypto/x509 cannot read it, so initbox cannot either")
		l[len(l)-1].Next = "have it issued again with the full name of the distribution point, a URI; until then, check it with openssl verify"
	}
	if len(l) == 0 {
		add(finding.CertMalformed, "%s", Clip(text))
	}
	return l
}

// aboutNameConstraints reports whether text is an error of crypto/x509 about
// nameConstraints. The package stops there and has no separate error for them.
func aboutNameConstraints(text string) bool {
	text = strings.ToLower(text)
	return strings.Contains(text, "constraint") && !strings.Contains(text, "basic constraint") && !strings.Contains(text, "policy constraint")
}

func (o *Outline) smallCurve() bool {
	if o.KeyAlg.String() != "1.2.840.10045.2.1" {
		return false
	}
	switch o.Curve.String() {
	case "1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35":
		return false
	}
	return true
}

// neverCritical reports whether id is an extension that a CA must mark
// non-critical, by RFC 5280.
func neverCritical(id string) bool {
	switch id {
	case "2.5.29.35", "2.5.29.14", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11", "2.5.29.46":
		return true
	}
	return false
}

// ExtensionName returns the name of an extension for people.
func ExtensionName(id asn1.ObjectIdentifier) string {
	names := map[string]string{
		"2.5.29.35": "authorityKeyIdentifier", "2.5.29.14": "subjectKeyIdentifier", "2.5.29.15": "keyUsage",
		"2.5.29.19": "basicConstraints", "2.5.29.17": "subjectAltName", "2.5.29.30": "nameConstraints",
		"2.5.29.36": "policyConstraints", "2.5.29.37": "extKeyUsage", "2.5.29.32": "certificatePolicies",
		"2.5.29.33": "policyMappings", "2.5.29.54": "inhibitAnyPolicy", "2.5.29.46": "freshestCRL",
		"1.3.6.1.5.5.7.1.1": "authorityInfoAccess", "1.3.6.1.5.5.7.1.11": "subjectInfoAccess",
	}
	if n, ok := names[id.String()]; ok {
		return n
	}
	return id.String()
}
