// Package envname recognizes names of environment variables as POSIX defines
// them: letters, digits and underscores, not starting with a digit.
package envname

// Leading returns the longest prefix of s that is a name, or "".
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
