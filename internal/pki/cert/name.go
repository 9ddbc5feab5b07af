package cert

import (
	"encoding/asn1"
	"slices"
	"strings"
	"unicode/utf16"
)

type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

type attributeSET []attribute

// NameKey returns a string that is the same for two distinguished names which
// RFC 5280, section 7.1 calls equal: case and runs of spaces do not count, nor
// does the kind of string. Crypto/x509 compares bytes, OpenSSL does this.
func NameKey(raw []byte) string {
	rdns, err := parseRDNs(raw)
	if err != nil {
		return string(raw)
	}
	return strings.Join(rdns, "\x00")
}

// RDNKeys returns one such string for each relative name, the most significant first.
func RDNKeys(raw []byte) ([]string, error) { return parseRDNs(raw) }

func parseRDNs(raw []byte) ([]string, error) {
	var seq []attributeSET
	rest, err := asn1.Unmarshal(raw, &seq)
	if err != nil {
		return nil, err
	}
	if len(rest) > 0 {
		return nil, asn1.SyntaxError{Msg: "trailing data"}
	}
	keys := make([]string, len(seq))
	for i, set := range seq {
		parts := make([]string, len(set))
		for k, a := range set {
			parts[k] = a.Type.String() + "=" + valueKey(a.Value)
		}
		slices.Sort(parts)
		keys[i] = strings.Join(parts, "\x01")
	}
	return keys, nil
}

func valueKey(v asn1.RawValue) string {
	s := string(v.Bytes)
	if v.Class != asn1.ClassUniversal {
		return string(v.FullBytes)
	}
	switch v.Tag {
	case asn1.TagPrintableString, asn1.TagUTF8String, asn1.TagIA5String, asn1.TagT61String:
	case asn1.TagBMPString:
		units := make([]uint16, len(s)/2)
		for i := range units {
			units[i] = uint16(s[2*i])<<8 | uint16(s[2*i+1])
		}
		s = string(utf16.Decode(units))
	default:
		return string(v.FullBytes)
	}
	return strings.ToLower(strings.Join(strings.Fields(s), " "))
}
