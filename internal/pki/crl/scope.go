package crl

import (
	"encoding/asn1"
	"fmt"

	"github.com/initbox/initbox/internal/pki/cert"
)

// A scope is which of the issuer's certificates a CRL is about
// (issuingDistributionPoint, RFC 5280, 5.2.5).
type scope struct {
	onlyLeaves, onlyCAs bool
	onlyPoint           bool
	names               []cert.PointName // of the point
}

// maxNames is how many names a distribution point may have.
const maxNames = 100

type issuingPoint struct {
	Point         asn1.RawValue `asn1:"optional,tag:0"`
	OnlyUser      bool          `asn1:"optional,tag:1"`
	OnlyCA        bool          `asn1:"optional,tag:2"`
	OnlyReasons   asn1.RawValue `asn1:"optional,tag:3"`
	Indirect      bool          `asn1:"optional,tag:4"`
	OnlyAttribute bool          `asn1:"optional,tag:5"`
}

// read returns why the CRL of issuer, an encoded name, cannot be used, or "".
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

// points are the names of the distribution points of a certificate, and for which
// reasons of revocation the CRLs there are.
type points map[string]cert.Reasons

// pointsOf returns those of c that its issuer's own CRLs can be for: those with a
// cRLIssuer are for indirect ones (RFC 5280, 6.3.3 b 1). One more than c has is
// assumed, with the name of the issuer (at the end of 6.3.3).
func pointsOf(c *cert.Cert) points {
	all := points{cert.DirectoryKey(c.IssuerKey): cert.AllReasons}
	for _, e := range c.Extensions {
		if e.Id.String() != "2.5.29.31" {
			continue
		}
		list, err := cert.ReadPoints(e.Value, c.RawIssuer)
		if err != nil {
			continue // what cannot be read is the point of no CRL
		}
		for _, p := range list {
			for _, n := range p.Names {
				if !p.Indirect {
					all[n.Key] |= p.Reasons
				}
			}
		}
	}
	return all
}

// covers returns for which reasons of revocation the CRL would list c, which has
// these points: none if the CRL is about others.
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

// String says what s is about, for CRLs that are not about a certificate.
func (s scope) String() string {
	switch {
	case s.onlyLeaves && s.onlyCAs:
		return "nothing"
	case s.onlyLeaves:
		return "leaves alone"
	case s.onlyCAs:
		return "CAs alone"
	case len(s.names) > 0:
		return fmt.Sprintf("the distribution point %s alone", s.names[0].Text)
	}
	return "one distribution point alone"
}
