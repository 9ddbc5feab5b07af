package crl

import (
	"bytes"
	"encoding/asn1"
	"slices"

	"github.com/initbox/initbox/internal/pki/cert"
)

// A scope is which of the issuer's certificates a CRL is about
// (issuingDistributionPoint, RFC 5280, 5.2.5).
type scope struct {
	onlyLeaves, onlyCAs bool
	point               []byte // name of the distribution point, nil for all
	names               int    // in point
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

// read returns why the CRL cannot be used, or "".
func (s *scope) read(der []byte) string {
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
	if len(p.Point.FullBytes) > 0 {
		s.point = p.Point.Bytes
		if s.names = len(namesIn(s.point)); s.names > maxNames {
			return "its distribution point has too many names"
		}
	}
	return ""
}

// covers reports whether the CRL would list c, whose distribution points are points.
func (s scope) covers(c *cert.Cert, points []byte) bool {
	if s.onlyLeaves && c.IsCA || s.onlyCAs && !c.IsCA {
		return false
	}
	return s.point == nil || shares(s.point, points)
}

// pointsOf returns the cRLDistributionPoints of c.
func pointsOf(c *cert.Cert) []byte {
	for _, e := range c.Extensions {
		if e.Id.String() == "2.5.29.31" {
			return e.Value
		}
	}
	return nil
}

// shares reports whether a name of the distribution point is also in the
// cRLDistributionPoints of a certificate.
func shares(point, distribution []byte) bool {
	return slices.ContainsFunc(namesIn(point), func(name []byte) bool { return bytes.Contains(distribution, name) })
}

// namesIn returns the names of a distribution point, nil if it is damaged.
func namesIn(point []byte) (names [][]byte) {
	var all asn1.RawValue
	if _, err := asn1.Unmarshal(point, &all); err != nil {
		return nil
	}
	for rest := all.Bytes; len(rest) > 0 && len(names) <= maxNames; {
		var n asn1.RawValue
		var err error
		if rest, err = asn1.Unmarshal(rest, &n); err != nil {
			return nil
		}
		names = append(names, n.FullBytes)
	}
	return names
}
