package envname

import "testing"

func TestNames(t *testing.T) {
	for s, leading := range map[string]string{
		"":       "",
		"A":      "A",
		"_a9Z":   "_a9Z",
		"9A":     "",
		"A-B":    "A",
		"A}rest": "A",
		"Ä":      "",
		"AÄ":     "A",
		" A":     "",
	} {
		if got := Leading(s); got != leading {
			t.Errorf("%q begins with the name %q, want %q", s, got, leading)
		}
		if got, want := Valid(s), s != "" && s == leading; got != want {
			t.Errorf("%q is a name: %v, want %v", s, got, want)
		}
	}
}
