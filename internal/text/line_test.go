package text

import (
	"strings"
	"testing"
)

func TestClip(t *testing.T) {
	long := strings.Repeat("x", ClipLength)
	for in, want := range map[string]string{
		"":                        "",
		"  two\t\r\n words  ":     "two words",
		"bell\a, \x1b[31m, \xff.": "bell., .[31m, ..",
		"é\u202e":                 "é.",
		long:                      long,
		long + "  \n":             long,
		long + "y":                long + "...",
	} {
		if got := Clip(in); got != want {
			t.Errorf("Clip(%q) = %q, want %q", in, got, want)
		}
	}
}
