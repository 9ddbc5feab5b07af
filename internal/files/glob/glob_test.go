package glob

import "testing"

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, rel string
		want         bool
	}{
		{"*.key", "tls.key", true}, {"*.key", "a/b/tls.key", true}, {"*.key", "tls.key.pub", false},
		{"a/*.key", "a/tls.key", true}, {"a/*.key", "b/a/tls.key", false}, {"/tls.key", "tls.key", true},
		{"/tls.key", "a/tls.key", false}, {"a?", "a\xff", true}, {"a*", "a\nb", true}, {`\[x]`, "[x]", true},
		{"lost+found", "x/lost+found", true}, {"*", "a/b", true}, {"a/*", "a/b/c", false},
	} {
		if got := Match(c.pattern, c.rel); got != c.want {
			t.Errorf("Match(%q, %q) = %v", c.pattern, c.rel, got)
		}
		if err := Check(c.pattern); err != nil {
			t.Errorf("Check(%q) = %v", c.pattern, err)
		}
	}
	for _, bad := range []string{"", "[a", "a/", `a\`} {
		if Check(bad) == nil {
			t.Errorf("Check(%q) accepted it", bad)
		}
	}
	if !Any([]string{"x", "b"}, "a/b") || Any(nil, "a") {
		t.Error("Any is wrong")
	}
}
