// Package envname says what the name of an environment variable is, as POSIX has
// it: letters, digits and underscores, the first no digit.
package envname

// Leading returns the longest beginning of s that is a name; "" if there is none.
func Leading(s string) string {
	for i := range len(s) {
		c := s[i]
		letter := c == '_' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c < '0' || '9' < c) {
			return s[:i]
		}
	}
	return s
}

// Valid reports whether s is a name.
func Valid(s string) bool { return s != "" && Leading(s) == s }
