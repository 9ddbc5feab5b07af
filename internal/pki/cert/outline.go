package cert

import (
	"bytes"
	"cmp"
	"crypto/x509/pkix"
	"encoding/asn1"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/pki/finding"
)

// An Outline is the structure of a certificate, whose content may be wrong.
type Outline struct {
	TBS struct {
		Version    int `asn1:"optional,explicit,default:0,tag:0"` // 2 means version 3
		Serial     asn1.RawValue
		Algorithm  asn1.RawValue
		Issuer     asn1.RawValue
		Validity   struct{ NotBefore, NotAfter asn1.RawValue }
		Subject    asn1.RawValue
		Key        publicKey
		IssuerID   asn1.BitString   `asn1:"optional,tag:1"`
		SubjectID  asn1.BitString   `asn1:"optional,tag:2"`
		Extensions []pkix.Extension `asn1:"omitempty,optional,explicit,tag:3"`
	}
	Algorithm asn1.RawValue
	Signature asn1.BitString
}

type publicKey struct {
	Algorithm pkix.AlgorithmIdentifier
	Key       asn1.BitString
}

// ReadOutline reads the structure of der without judging its content.
func ReadOutline(der []byte) (*Outline, error) {
	o := new(Outline)
	rest, err := asn1.Unmarshal(der, o)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow it", len(rest))
	}
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
	serial := signed(o.TBS.Serial.Bytes)
	add := func(code finding.Code, format string, args ...any) {
		f := finding.New(code, file, block, format, args...)
		f.Serial = Serial(serial)
		l = append(l, f)
	}
	if serial.Sign() < 0 {
		add(finding.SerialNegative, "the serial number is negative")
	}
	if o.TBS.Version < 0 || o.TBS.Version > 2 {
		add(finding.VersionInvalid, "the version is %d; only 1 to 3 exist", o.TBS.Version+1)
	}
	if !bytes.Equal(o.TBS.Algorithm.FullBytes, o.Algorithm.FullBytes) {
		add(finding.AlgorithmMismatch, "the signature algorithm inside the signed part is not the one outside")
	}
	seen := make(map[string]bool)
	for _, e := range o.TBS.Extensions {
		id := e.Id.String()
		if seen[id] {
			add(finding.DuplicateExtension, "the extension %s is there twice", ExtensionName(e.Id))
		}
		seen[id] = true
		if e.Critical && neverCritical(id) {
			add(finding.Criticality, "%s must not be critical", ExtensionName(e.Id))
		}
	}
	if curve, small := o.smallCurve(); small {
		add(finding.KeyUnsupported, "the key is on a curve that is too small or not known (%s)", curve)
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

// smallCurve reports whether the key is on a curve that crypto/x509 does not know.
func (o *Outline) smallCurve() (curve asn1.ObjectIdentifier, small bool) {
	key := o.TBS.Key.Algorithm
	if key.Algorithm.String() != "1.2.840.10045.2.1" {
		return nil, false
	}
	_, _ = asn1.Unmarshal(key.Parameters.FullBytes, &curve)
	known := []string{"1.3.132.0.33", "1.2.840.10045.3.1.7", "1.3.132.0.34", "1.3.132.0.35"}
	return curve, !slices.Contains(known, curve.String())
}

// neverCritical reports whether id is an extension that a CA must mark
// non-critical, by RFC 5280.
func neverCritical(id string) bool {
	return slices.Contains([]string{"2.5.29.35", "2.5.29.14", "1.3.6.1.5.5.7.1.1", "1.3.6.1.5.5.7.1.11", "2.5.29.46"}, id)
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
	return cmp.Or(names[id.String()], id.String())
}
