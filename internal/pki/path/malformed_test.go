package path_test

import (
	"encoding/asn1"
	"testing"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// A CA whose constraints are not valid names may issue nothing, whatever names
// there are below it, and the report blames the CA, not the names.
func TestMalformedConstraints(t *testing.T) {
	mask := func(octets ...byte) []byte { return general(7, octets) }
	for name, base := range map[string][]byte{
		"wildcard":                  dns("*.shop.test"),
		"empty label":               dns("a..test"),
		"final dot":                 dns("test."),
		"blank":                     dns("app .test"),
		"two dots first":            dns("..test"),
		"port":                      dns("shop.test:443"),
		"address without a mask":    mask(10, 0, 0, 0),
		"address of 5 octets":       mask(10, 0, 0, 0, 255),
		"mask with holes":           mask(10, 0, 0, 0, 255, 0, 255, 0),
		"IPv6 mask with holes":      mask(append(make([]byte, 16), 255, 255, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)...),
		"no address":                mask(),
		"mailbox without a host":    general(1, []byte("a@")),
		"mailbox of nobody":         general(1, []byte("@shop.test")),
		"host of URIs with a path":  general(6, []byte("shop.test/x")),
		"host of URIs is an IP":     general(6, []byte("10.0.0.1")),
		"directory name of nothing": general(4, []byte{1, 2}),
	} {
		for _, o := range []opts{
			{inter: list(constraints(true, [][]byte{base}, nil))},
			{inter: list(constraints(true, nil, [][]byte{base}))},
			{root: list(constraints(true, [][]byte{dns("test"), base}, nil))},
		} {
			if found := ours(t, three(t, o), false); len(found) == 0 || !found.Failed() || found[0].Code != finding.NameConstraintsMalformed || len(found) > 1 {
				t.Errorf("%s: found %v", name, found)
			}
		}
	}
	for name, value := range map[string][]byte{
		"empty": {0x30, 0}, "both empty": {0x30, 4, 0xa0, 0, 0xa1, 0}, "no sequence": {4, 0}, "cut off": {0x30, 4, 0xa0, 5, 0x30},
		"a third list":   {0x30, 2, 0xa2, 0},
		"something else": der([]asn1.RawValue{{Tag: asn1.TagNull}}),
	} {
		found := ours(t, three(t, opts{inter: list(testpki.Extension("2.5.29.30", true, value))}), false)
		if len(found) != 1 || found[0].Code != finding.NameConstraintsMalformed {
			t.Errorf("%s: found %v", name, found)
		}
	}
}
