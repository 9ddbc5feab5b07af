package cert

import (
	"encoding/asn1"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

type attribute struct {
	Type  asn1.ObjectIdentifier
	Value asn1.RawValue
}

type attributeSET []attribute

// NameKey returns a string that is the same for two distinguished names which RFC
// 5280, section 7.1 treats as equal: it ignores case, runs of spaces and the type
// of string. Crypto/x509 compares bytes; OpenSSL compares as we do.
func NameKey(raw []byte) string {
	rdns, err := RDNKeys(raw)
	if err != nil {
		return "#" + string(raw)
	}
	return strings.Join(rdns, "\x00")
}

// RDNKeys returns one such string for each relative name, the most significant
// first.
func RDNKeys(raw []byte) ([]string, error) {
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

// valueKey returns different keys for values that differ in more than case and
// spaces. A value that is not text in its encoding is kept as hex, and a key never
// contains a character that separates keys.
func valueKey(v asn1.RawValue) string {
	text, ok := valueText(v)
	if !ok {
		return "#" + hex.EncodeToString(v.FullBytes)
	}
	return strconv.Quote(strings.ToLower(strings.Join(strings.Fields(text), " ")))
}

func valueText(v asn1.RawValue) (string, bool) {
	if v.Class != asn1.ClassUniversal {
		return "", false
	}
	switch v.Tag {
	case asn1.TagPrintableString, asn1.TagUTF8String, asn1.TagIA5String:
		return string(v.Bytes), utf8.Valid(v.Bytes)
	case asn1.TagT61String: // Latin-1, as everyone reads it
		runes := make([]rune, len(v.Bytes))
		for i, b := range v.Bytes {
			runes[i] = rune(b)
		}
		return string(runes), true
	case asn1.TagBMPString:
		units := make([]uint16, len(v.Bytes)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(v.Bytes[2*i:])
		}
		runes := utf16.Decode(units)
		return string(runes), len(v.Bytes)%2 == 0 && !slices.Contains(runes, utf8.RuneError)
	}
	return "", false
}
