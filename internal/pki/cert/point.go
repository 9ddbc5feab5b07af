package cert

import (
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

// Reasons is a set of reasons for revocation (RFC 5280, 4.2.1.13).
type Reasons uint16

// AllReasons are the reasons in ReasonFlags, without the first, which is unused.
const AllReasons Reasons = 1<<9 - 2

// A Point is one of the cRLDistributionPoints of a certificate.
type Point struct {
	Names    []PointName
	Reasons  Reasons
	Relative bool // its name is relative to that of the CRL's issuer
	Indirect bool // its CRLs do not come from the issuer of the certificate
}

// A PointName is a name of a distribution point.
type PointName struct {
	Key  string // the same for two names that RFC 5280, 7 treats as equal
	Text string // for people
}

type distributionPoint struct {
	Name    asn1.RawValue `asn1:"optional,tag:0"`
	Reasons asn1.RawValue `asn1:"optional,tag:1"`
	Issuer  asn1.RawValue `asn1:"optional,tag:2"`
}

// ReadPoints reads the value of cRLDistributionPoints in a certificate that
// issuer, an encoded name, has issued.
func ReadPoints(value, issuer []byte) ([]Point, error) {
	var all []distributionPoint
	if rest, err := asn1.Unmarshal(value, &all); err != nil || len(rest) > 0 {
		return nil, errors.New("it is not a list of distribution points")
	}
	points := make([]Point, len(all))
	for i, d := range all {
		p := Point{Reasons: AllReasons, Indirect: len(d.Issuer.FullBytes) > 0}
		var err error
		if len(d.Name.FullBytes) > 0 {
			if p.Names, p.Relative, err = ReadPointNames(d.Name.Bytes, issuer); err != nil {
				return nil, err
			}
		}
		if len(d.Reasons.FullBytes) > 0 {
			if p.Reasons, err = readReasons(d.Reasons.FullBytes); err != nil {
				return nil, err
			}
		}
		points[i] = p
	}
	return points, nil
}

func readReasons(der []byte) (set Reasons, err error) {
	var flags asn1.BitString
	if _, err := asn1.UnmarshalWithParams(der, &flags, "tag:1"); err != nil {
		return 0, err
	}
	for i := range 9 {
		set |= Reasons(flags.At(i)) << i
	}
	return set & AllReasons, nil
}

// ReadPointNames reads a DistributionPointName: full names, or a name relative to
// issuer, the encoded name of the CRL's issuer.
func ReadPointNames(der, issuer []byte) (names []PointName, relative bool, err error) {
	var choice asn1.RawValue
	rest, err := asn1.Unmarshal(der, &choice)
	if err != nil || len(rest) > 0 || choice.Class != asn1.ClassContextSpecific || !choice.IsCompound || choice.Tag > 1 {
		return nil, false, errors.New("it has a name that cannot be read")
	}
	if choice.Tag == 1 {
		full, err := below(issuer, choice.Bytes)
		return []PointName{directoryName(full)}, true, err
	}
	for rest := choice.Bytes; len(rest) > 0; {
		var n asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &n); err != nil {
			return nil, false, err
		}
		names = append(names, pointName(n))
	}
	return names, false, nil
}

// below appends a relative name, without its tag, to an encoded name.
func below(issuer, relative []byte) ([]byte, error) {
	var name asn1.RawValue
	if _, err := asn1.Unmarshal(issuer, &name); err != nil {
		return nil, err
	}
	set, err := asn1.Marshal(asn1.RawValue{Tag: asn1.TagSet, IsCompound: true, Bytes: relative})
	if err != nil {
		return nil, err
	}
	return asn1.Marshal(asn1.RawValue{Tag: asn1.TagSequence, IsCompound: true, Bytes: slices.Concat(name.Bytes, set)})
}

func pointName(n asn1.RawValue) PointName {
	switch {
	case n.Class == asn1.ClassContextSpecific && n.Tag == 4:
		return directoryName(n.Bytes)
	case n.Class == asn1.ClassContextSpecific && n.Tag == 6:
		return PointName{"uri " + string(n.Bytes), Clip(string(n.Bytes))}
	}
	return PointName{"other " + string(n.FullBytes), fmt.Sprintf("a name of kind %d", n.Tag)}
}

func directoryName(raw []byte) PointName {
	return PointName{DirectoryKey(NameKey(raw)), "a directory name"}
}

// DirectoryKey returns the Key of a directory name with that [NameKey].
func DirectoryKey(nameKey string) string { return "directory " + nameKey }

// relativePoint reports whether the cRLDistributionPoints contain a relative name.
func (o *Outline) relativePoint() bool {
	return slices.ContainsFunc(o.TBS.Extensions, func(e pkix.Extension) bool {
		if e.Id.String() != "2.5.29.31" {
			return false
		}
		points, err := ReadPoints(e.Value, o.TBS.Issuer.FullBytes)
		return err == nil && slices.ContainsFunc(points, func(p Point) bool { return p.Relative })
	})
}
