package text

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// ClipLength is how much of a text from outside an error shows, in characters.
const ClipLength = 120

// Clip makes one line of s, of ClipLength characters and "..." at most. What cannot
// be printed becomes a dot.
func Clip(s string) string {
	var b strings.Builder
	n, space := 0, false
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
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
