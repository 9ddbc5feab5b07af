// Package glob matches relative paths against the patterns that users write in
// flags.
package glob

import (
	"errors"
	"path"
	"slices"
	"strings"
)

// Help says in the help of a flag how patterns match.
const Help = `a pattern without "/" matches the last part of a path, one with "/" the whole path relative to the root`

// Check returns why pattern cannot be used, or nil.
func Check(pattern string) error {
	switch _, err := path.Match(pattern, "x"); {
	case pattern == "":
		return errors.New("the pattern is empty")
	case err != nil:
		return errors.New(`the pattern is not well formed: close each "[", and put a backslash before a "[" that stands for itself`)
	case strings.HasSuffix(pattern, "/"):
		return errors.New(`the pattern ends with "/": leave it out, a directory that matches counts with all that is in it`)
	}
	return nil
}

// Match reports whether pattern, which [Check] accepted, matches the path rel,
// relative and with "/": "*" is any run of bytes without "/", "?" a character,
// "[a-z]" one of a class. A pattern without "/" is matched with the last part
// of rel, one with "/" with the whole; a "/" at its front only says so.
func Match(pattern, rel string) bool {
	if !strings.Contains(pattern, "/") {
		rel = path.Base(rel)
	}
	ok, _ := path.Match(strings.TrimPrefix(pattern, "/"), rel)
	return ok
}

// Any reports whether one of patterns matches rel.
func Any(patterns []string, rel string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return Match(p, rel) })
}
