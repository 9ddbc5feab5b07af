// Package profile checks certificates against what RFC 5280 demands of issuers,
// and against the CA/Browser Forum's baseline requirements. No verifier needs
// these rules for a path to be valid, so crypto/x509 does not check them.
package profile

import (
	"encoding/asn1"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// Check returns what is wrong with the certificates of path, the leaf first. Set
// complete if the last one is a trusted root, and names if the leaf is for a
// server, which needs names.
func Check(path []*cert.Cert, complete, names bool) finding.List {
	var found finding.List
	for i, c := range path {
		r := rules{Cert: c, root: complete && i == len(path)-1 && i > 0 || c.IsCA && c.SelfSigned()}
		if i+1 < len(path) {
			r.issuer = path[i+1]
		}
		place := r.authority
		if i == 0 {
			place = func() {
				r.leaf(names)
				if len(path) == 1 && c.SelfSigned() && complete {
					r.add(finding.SelfSignedLeaf, "it is signed by itself; no CA vouches for it")
				}
			}
		}
		found = append(found, r.judge(place)...)
	}
	return found
}

// Authority returns what is wrong with a CA that is on no path.
func Authority(c *cert.Cert) finding.List {
	r := rules{Cert: c, root: c.SelfSigned()}
	return r.judge(r.authority)
}

// rules judges one certificate.
type rules struct {
	*cert.Cert
	outline *cert.Outline
	issuer  *cert.Cert // nil where the path ends
	root    bool
	found   finding.List
}

func (r *rules) add(code finding.Code, format string, args ...any) {
	r.found = append(r.found, r.Finding(code, format, args...))
}

// judge returns what breaks the rules for all certificates, and then those that
// place checks, for certificates in that place of a path.
func (r *rules) judge(place func()) finding.List {
	var err error
	if r.outline, err = cert.ReadOutline(r.Raw); err != nil {
		return finding.List{r.Finding(finding.CertMalformed, "its structure cannot be read: %v", err)}
	}
	r.fields()
	r.key()
	r.extensions()
	r.identifiers()
	place()
	return r.found
}

const (
	oidSKI               = "2.5.29.14"
	oidKeyUsage          = "2.5.29.15"
	oidSAN               = "2.5.29.17"
	oidBasicConstraints  = "2.5.29.19"
	oidNameConstraints   = "2.5.29.30"
	oidPolicies          = "2.5.29.32"
	oidAKI               = "2.5.29.35"
	oidPolicyConstraints = "2.5.29.36"
	oidEKU               = "2.5.29.37"
	oidInhibitAny        = "2.5.29.54"
)

// maxSerial is the largest length of a serial number in octets (RFC 5280,
// 4.1.2.2).
const maxSerial = 20

func (r *rules) fields() {
	tbs := &r.outline.TBS
	switch n := len(tbs.Serial.Bytes); {
	case r.SerialNumber.Sign() == 0:
		r.add(finding.SerialInvalid, "its serial number is zero")
	case n > maxSerial:
		r.add(finding.SerialInvalid, "its serial number has %d octets; at most %d are allowed", n, maxSerial)
	}
	if r.Version != 3 {
		r.add(finding.VersionOld, "it is of version %d", r.Version)
	}
	if len(tbs.Issuer.Bytes) == 0 {
		r.add(finding.NameEmpty, "its issuer has no name")
	}
	if len(tbs.Subject.Bytes) == 0 && r.IsCA {
		r.add(finding.NameEmpty, "it is a CA without a name")
	}
	r.date(tbs.Validity.NotBefore)
	r.date(tbs.Validity.NotAfter)
}

// date checks the encoding of a date (RFC 5280, 4.1.2.5).
func (r *rules) date(t asn1.RawValue) {
	text := string(t.Bytes)
	form := "YYMMDDHHMMSSZ"
	if t.Tag == asn1.TagGeneralizedTime {
		form = "YYYYMMDDHHMMSSZ"
	}
	switch {
	case t.Tag == asn1.TagGeneralizedTime && text < "2050":
		r.add(finding.ValidityEncoding, "the date %s is a GeneralizedTime; before 2050 it must be a UTCTime", cert.Clip(text))
	case len(text) != len(form) || !strings.HasSuffix(text, "Z"):
		r.add(finding.ValidityEncoding, "the date %s must be written as %s", cert.Clip(text), form)
	}
}

// extensions checks which extensions are critical, and their content.
func (r *rules) extensions() {
	mustBe := func(oid string) {
		if e := r.Extension(oid); e != nil && !e.Critical {
			r.add(finding.Criticality, "%s must be critical", cert.ExtensionName(e.Id))
		}
	}
	if r.IsCA {
		mustBe(oidBasicConstraints)
	}
	mustBe(oidNameConstraints)
	mustBe(oidPolicyConstraints)
	mustBe(oidInhibitAny)
	if len(r.outline.TBS.Subject.Bytes) == 0 {
		mustBe(oidSAN)
	}
	if e := r.Extension(oidEKU); e != nil {
		if e.Critical {
			r.add(finding.Criticality, "extKeyUsage must not be critical")
		}
		if len(r.ExtKeyUsage) == 0 && len(r.UnknownExtKeyUsage) == 0 {
			r.add(finding.EKUEmpty, "its extended key usage lists nothing")
		}
	}
	if r.BasicConstraintsValid && !r.IsCA && r.MaxPathLen >= 0 {
		r.add(finding.ConstraintsOdd, "it has a path length but is not a CA")
	}
	if e := r.Extension(oidKeyUsage); e != nil && r.KeyUsage == 0 {
		r.add(finding.KeyUsageOdd, "its keyUsage allows nothing")
	}
	for _, oid := range []string{oidPolicies, oidPolicyConstraints} { // RFC 5280, 4.2.1.4 and 4.2.1.11
		if e := r.Extension(oid); e != nil && string(e.Value) == "\x30\x00" {
			r.add(finding.Policy, "its %s lists nothing, which is forbidden", cert.ExtensionName(e.Id))
			r.found[len(r.found)-1].Next = "issue it again without that extension"
		}
	}
	r.nameConstraints()
}

func (r *rules) nameConstraints() {
	if r.Extension(oidNameConstraints) == nil {
		return
	}
	if !r.IsCA {
		r.add(finding.NameConstraintsX, "it has nameConstraints but is not a CA")
	}
	for _, d := range slices.Concat(r.PermittedDNSDomains, r.ExcludedDNSDomains) {
		if strings.HasPrefix(d, ".") {
			r.add(finding.NameConstraintsX, "the DNS name %q in its nameConstraints begins with a dot", cert.Clip(d))
		}
	}
}

// authority judges a CA of the path.
func (r *rules) authority() {
	if r.Extension(oidKeyUsage) == nil && r.Version == 3 {
		r.add(finding.KeyUsageOdd, "it is a CA without keyUsage")
	}
	if r.root && r.Extension(oidEKU) != nil {
		r.add(finding.EKUOnRoot, "it is a root with an extended key usage")
	}
}

// authorityKeyID is the extension as RFC 5280, 4.2.1.1 defines it.
type authorityKeyID struct {
	KeyID  []byte        `asn1:"optional,tag:0"`
	Issuer asn1.RawValue `asn1:"optional,tag:1"`
	Serial asn1.RawValue `asn1:"optional,tag:2"`
}

// identifiers checks the key identifiers of the subject and of the issuer.
func (r *rules) identifiers() {
	if r.IsCA && len(r.SubjectKeyId) == 0 && r.Version == 3 {
		r.add(finding.SKIMissing, "it is a CA without a subjectKeyIdentifier")
	}
	aki := r.Extension(oidAKI)
	if aki == nil {
		if !r.root && !r.SelfIssued() && r.Version == 3 {
			r.add(finding.AKIMissing, "it has no authorityKeyIdentifier")
		}
		return
	}
	var form authorityKeyID
	if _, err := asn1.Unmarshal(aki.Value, &form); err != nil || len(form.Issuer.FullBytes) > 0 || len(form.Serial.FullBytes) > 0 || len(form.KeyID) == 0 {
		r.add(finding.AKIForm, "its authorityKeyIdentifier is not just a key identifier")
	}
	issuer := r.issuer
	if r.root {
		issuer = r.Cert
	}
	if issuer != nil && len(r.AuthorityKeyId) > 0 && len(issuer.SubjectKeyId) > 0 && !slices.Equal(r.AuthorityKeyId, issuer.SubjectKeyId) {
		r.add(finding.AKIMismatch, "its authorityKeyIdentifier is not the subjectKeyIdentifier of %q", issuer.Name())
	}
}
