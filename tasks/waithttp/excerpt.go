package waithttp

import (
	"slices"
	"strings"
	"unicode"

	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/internal/text/redact"
)

// An excerpter shows what servers said.
type excerpter struct{ secrets *redact.Set }

// window is how much of a body is searched for secrets before it is clipped, so
// that none is cut in two and shown in part.
const window = 64 << 10

// fixed is s without what may differ at every attempt: words with a digit in
// them, such as numbers, times and ids.
func fixed(s string) string {
	inWord := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_:.+-", r)
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return !inWord(r) })
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return strings.ContainsFunc(w, unicode.IsDigit) }), " ")
}

// show is s without secrets on one bounded line.
func (x *excerpter) show(s string) string {
	return text.Clip(x.secrets.Text(s[:min(len(s), window)]))
}

// body is show for the body of an answer.
func (x *excerpter) body(b []byte) string { return x.show(string(b[:min(len(b), window)])) }
