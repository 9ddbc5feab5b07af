package waithttp

import (
	"slices"
	"strings"
	"unicode"

	"github.com/initbox/initbox/internal/text"
)

// window is how many bytes of a body are searched for secrets before it is
// clipped, so that no secret is cut and shown in part.
const window = 64 << 10

// fixed returns s without the words that may differ at every attempt: words with a
// digit, such as numbers, times and ids.
func fixed(s string) string {
	inWord := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_:.+-", r)
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return !inWord(r) })
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return strings.ContainsFunc(w, unicode.IsDigit) }), " ")
}

// show returns s without secrets, on one line of limited length.
func (p *prober) show(s string) string {
	return text.Clip(p.client.secrets.Text(s[:min(len(s), window)]))
}
