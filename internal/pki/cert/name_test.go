package cert

import (
	"encoding/asn1"
	"testing"
)

func commonName(t *testing.T, tag int, value string) []byte {
	t.Helper()
	der, err := asn1.Marshal([]attributeSET{{{asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.RawValue{Tag: tag, Bytes: []byte(value)}}}})
	if err != nil {
		t.Fatal(err)
	}
	return der
}

// A CA with the name of its issuer is exempt from some rules, so only names that
// RFC 5280 treats as equal may have the same key.
func TestNameKey(t *testing.T) {
	const utf8, printable, ia5, t61, bmp = asn1.TagUTF8String, asn1.TagPrintableString, asn1.TagIA5String, asn1.TagT61String, asn1.TagBMPString
	for _, c := range []struct {
		tagA  int
		a     string
		tagB  int
		b     string
		equal bool
	}{
		{utf8, "Ca  One", printable, " ca one ", true},
		{utf8, "M\u00fcller", t61, "m\xfcller", true},
		{utf8, "CA", bmp, "\x00c\x00a", true},
		{t61, "CA \xe9", t61, "CA \xe8", false},
		{t61, "CA \xff\xfe", t61, "CA \xfe\xff", false},
		{utf8, "CA \xff", utf8, "CA \xfe", false},
		{ia5, "CA \xff", utf8, "CA \ufffd", false},
		{bmp, "\xd8\x00", bmp, "\xd8\x01", false},
		{bmp, "\x00a", bmp, "\x00ab", false},
		{utf8, "a\x002.5.4.3=b", utf8, "a 2.5.4.3=b", false},
	} {
		if got := NameKey(commonName(t, c.tagA, c.a)) == NameKey(commonName(t, c.tagB, c.b)); got != c.equal {
			t.Errorf("%d %q and %d %q: equal %v, want %v", c.tagA, c.a, c.tagB, c.b, got, c.equal)
		}
	}
	// A value cannot look like two relative names.
	two, err := asn1.Marshal([]attributeSET{
		{{asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.RawValue{Tag: utf8, Bytes: []byte("a")}}},
		{{asn1.ObjectIdentifier{2, 5, 4, 3}, asn1.RawValue{Tag: utf8, Bytes: []byte("b")}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []string{"a\x002.5.4.3=b", "a\"\x002.5.4.3=\"b"} {
		if NameKey(commonName(t, utf8, value)) == NameKey(two) {
			t.Errorf("%q passes for two names", value)
		}
	}
}
