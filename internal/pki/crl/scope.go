package crl

import (
	"encoding/asn1"
	"fmt"

	"github.com/initbox/initbox/internal/pki/cert"
)

// A scope says which of the issuer's certificates a CRL covers
// (issuingDistributionPoint, RFC 5280, 5.2.5).
type scope struct {
	onlyLeaves, onlyCAs bool
	onlyPoint           bool
	names               []cert.PointName // names of the point
}

// maxNames is the most names that a distribution point may have.
const maxNames = 100

type issuingPoint struct {
	Point         asn1.RawValue `asn1:"optional,tag:0"`
	OnlyUser      bool          `asn1:"optional,tag:1"`
	OnlyCA        bool          `asn1:"optional,tag:2"`
	OnlyReasons   asn1.RawValue `asn1:"optional,tag:3"`
	Indirect      bool          `asn1:"optional,tag:4"`
	OnlyAttribute bool          `asn1:"optional,tag:5"`
}

// read reads the extension in the CRL of issuer, an encoded name. It returns why
// the CRL cannot be used, or "".
func (s *scope) read(der, issuer []byte) string {
	var p issuingPoint
	if rest, err := asn1.Unmarshal(der, &p); err != nil || len(rest) > 0 {
		return "its issuingDistributionPoint cannot be read"
	}
	switch {
	case p.Indirect:
		return "it is an indirect CRL, which speaks for other CAs"
	case len(p.OnlyReasons.FullBytes) > 0:
		return "it is only about some reasons for revocation"
	case p.OnlyAttribute:
		return "it is only about attribute certificates"
	}
	s.onlyLeaves, s.onlyCAs = p.OnlyUser, p.OnlyCA
	if len(p.Point.FullBytes) == 0 {
		return ""
	}
	names, _, err := cert.ReadPointNames(p.Point.Bytes, issuer)
	switch {
	case err != nil:
		return "the name of its distribution point cannot be read"
	case len(names) > maxNames:
		return "its distribution point has too many names"
	}
	s.onlyPoint, s.names = true, names
	return ""
}

// points maps the names of a certificate's distribution points to the reasons for
// revocation that the CRLs there cover.
type points map[string]cert.Reasons

// pointsOf returns the points of c that CRLs of its own issuer can be for: a point
// with a cRLIssuer is for indirect CRLs (RFC 5280, 6.3.3 b 1). It adds a point
// with the name of the issuer, which every certificate is assumed to have (end of
// 6.3.3).
func pointsOf(c *cert.Cert) points {
	all := points{cert.DirectoryKey(c.IssuerKey): cert.AllReasons}
	e := c.Extension("2.5.29.31")
	if e == nil {
		return all
	}
	list, _ := cert.ReadPoints(e.Value, c.RawIssuer) // no CRL can be for a point that cannot be read
	for _, p := range list {
		for _, n := range p.Names {
			if !p.Indirect {
				all[n.Key] |= p.Reasons
			}
		}
	}
	return all
}

// covers returns the reasons for revocation for which the CRL would list c, whose
// points are at. It returns none if the CRL covers other certificates.
func (s scope) covers(c *cert.Cert, at points) (covered cert.Reasons) {
	if s.onlyLeaves && c.IsCA || s.onlyCAs && !c.IsCA {
		return 0
	}
	if !s.onlyPoint {
		return cert.AllReasons
	}
	for _, n := range s.names {
		covered |= at[n.Key]
	}
	return covered
}

// String says which certificates s covers, for a message about a certificate that
// it does not cover.
func (s scope) String() string {
	switch {
	case s.onlyLeaves && s.onlyCAs:
		return "nothing"
	case s.onlyLeaves:
		return "leaves only"
	case s.onlyCAs:
		return "CAs only"
	case len(s.names) > 0:
		return fmt.Sprintf("the distribution point %s only", s.names[0].Text)
	}
	return "one distribution point only"
}
