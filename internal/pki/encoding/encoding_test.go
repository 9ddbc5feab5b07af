package encoding

import (
	"bytes"
	"encoding/pem"
	"slices"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

func blocks(data []byte) (types []string, found finding.List) {
	found = Each(data, "f", func(b Block) { types = append(types, b.Type) })
	return types, found
}

const body = "MAMCAQE=" // a sequence with the number 1

func block(kind string) string {
	return "-----BEGIN " + kind + "-----\n" + body + "\n-----END " + kind + "-----\n"
}

// The blocks and findings of files that people make.
func TestEach(t *testing.T) {
	for _, c := range []struct {
		name, data string
		types      string
		codes      string
	}{
		{"two", block("A") + block("B"), "A B", ""},
		{"comments", "# x\nsubject=y\n" + block("A") + "\n# end\n\n" + block("B") + "#", "A B", ""},
		{"blanks at line ends", strings.ReplaceAll(block("A"), "\n", " \t\n"), "A", ""},
		{"headers", "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n" + body + "\n-----END A-----\n", "A", ""},
		{"joined", strings.TrimSuffix(block("A"), "\n") + block("B"), "A B", "encoding-joined-blocks"},
		{"joined thrice", strings.TrimSuffix(block("A"), "\n") + strings.TrimSuffix(block("B"), "\n") + block("C"), "A B C", "encoding-joined-blocks"},
		{"no END", strings.Split(block("A"), "-----END")[0], "", "pem-malformed"},
		{"no END, then another", strings.Split(block("A"), "-----END")[0] + block("B"), "B", "pem-malformed"},
		{"END alone", "-----END A-----\n" + block("B"), "B", "pem-malformed"},
		{"other END", strings.Replace(block("A"), "END A", "END B", 1), "", "pem-malformed"},
		{"END without dashes", strings.Replace(block("A"), "END A-----", "END A", 1), "", "pem-malformed"},
		{"BEGIN without dashes", strings.Replace(block("A"), "BEGIN A-----", "BEGIN A", 1), "", "pem-malformed"},
		{"END glued to the body", strings.Replace(block("A"), "\n-----END", "-----END", 1) + block("B"), "B", "pem-malformed"},
		{"indented", "  " + strings.ReplaceAll(block("A"), "\n", "\n  "), "", "pem-malformed"},
		{"empty block", "-----BEGIN A-----\n-----END A-----\n", "", "pem-malformed"},
		{"not base64", strings.Replace(block("A"), "M", "!", 1), "", "pem-malformed"},
		{"garbage after", block("A") + "oops", "A", "encoding-trailing-garbage"},
		{"garbage on the END line", strings.TrimSuffix(block("A"), "\n") + "oops\n", "A", "encoding-trailing-garbage"},
		{"garbage in between", block("A") + "oops\n" + block("B"), "A B", ""},
		{"DER", "\x30\x80", "", "not-pem"},
		{"BOM", "\xef\xbb\xbf" + block("A"), "A", "encoding-bom"},
		{"blank", " \n\n", "", "file-empty"},
		{"nothing", "", "", "file-empty"},
		{"SSH", "ssh-ed25519 AAAA", "", "not-pem"},
	} {
		types, found := blocks([]byte(c.data))
		var codes []string
		for _, code := range found.Codes() {
			codes = append(codes, string(code))
		}
		if got := strings.Join(types, " "); got != c.types || strings.Join(codes, " ") != c.codes {
			t.Errorf("%s: blocks %q, found %v; want %q, %s", c.name, got, found, c.types, c.codes)
		}
	}
}

// From a file without faults, we read exactly what encoding/pem reads.
func FuzzEach(f *testing.F) {
	testpki.Seeds(f, "testdata/seeds")
	f.Fuzz(func(t *testing.T, data []byte) {
		var ours [][]byte
		found := Each(data, "f", func(b Block) {
			if len(b.DER) == 0 {
				t.Error("an empty block")
			}
			ours = append(ours, b.DER)
		})
		if len(found) > 0 || isDER(data) {
			return
		}
		if len(ours) == 0 {
			t.Error("neither a block nor a finding")
		}
		var theirs [][]byte
		for rest := data; ; {
			var b *pem.Block
			if b, rest = pem.Decode(rest); b == nil {
				break
			}
			theirs = append(theirs, b.Bytes)
		}
		for _, x := range theirs {
			if len(x) > 0 && !slices.ContainsFunc(ours, func(o []byte) bool { return bytes.Equal(o, x) }) {
				t.Errorf("encoding/pem reads a block that we lack: %x", x)
			}
		}
	})
}
