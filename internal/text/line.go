package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ClipLength is how many characters of a text from outside an error shows.
const ClipLength = 120

// Clip returns s on one line, cut to ClipLength characters and "...".
// Characters that cannot be printed become dots.
func Clip(s string) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = b.Len() > 0
			continue
		}
		if n >= ClipLength {
			return b.String() + "..."
		}
		if space {
			b.WriteByte(' ')
			n++
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			r = '.'
		}
		b.WriteRune(r)
		n++
		space = false
	}
	return b.String()
}
