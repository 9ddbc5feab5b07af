package waithttp

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A jsonPath leads from the root of a JSON document to one value.
type jsonPath []step

// A step is a key or the index of an array. A number between dots may be either:
// the document decides.
type step struct {
	key   string
	index int  // -1 if key is not a number
	only  bool // it was in brackets, so it is an index
}

// cutPath reads PATH=VALUE.
func cutPath(s string) (path jsonPath, value string, err error) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '=':
			path, err = parsePath(s[:i])
			return path, s[i+1:], err
		}
	}
	return nil, "", errors.New("it has no equals sign: write PATH=VALUE")
}

// parsePath parses keys with dots between them and indexes in brackets. After a
// backslash, the next character stands for itself.
func parsePath(s string) (jsonPath, error) {
	var path jsonPath
	switch {
	case s == "":
		return nil, errors.New("the path is empty: write PATH=VALUE, as in status.db=UP")
	case s == "$" || strings.HasPrefix(s, "$.") || strings.HasPrefix(s, "$[") || s[0] == '.':
		return nil, errors.New("the path begins at the root by itself: leave out $ and the dot at its start")
	}
	rest := s
	for {
		var err error
		path, rest, err = nextSteps(path, rest)
		if err != nil {
			return nil, err
		}
		if rest == "" {
			return path, nil
		}
		rest = rest[1:] // the dot
	}
}

// nextSteps reads a key and the indexes after it, up to a dot or the end.
func nextSteps(path jsonPath, s string) (jsonPath, string, error) {
	key, rest, err := nextKey(s)
	if err != nil {
		return nil, "", err
	}
	switch {
	case key != "":
		path = append(path, step{key: key, index: indexOf(key)})
	case len(path) > 0 || !strings.HasPrefix(rest, "["):
		return nil, "", errors.New("the path has an empty key: write exactly one dot between two keys")
	}
	for strings.HasPrefix(rest, "[") {
		digits, after, ok := strings.Cut(rest[1:], "]")
		i := indexOf(digits)
		if !ok || i < 0 {
			return nil, "", errors.New("the part in brackets is not an index: write for instance [0]")
		}
		path = append(path, step{key: strconv.Itoa(i), index: i, only: true})
		rest = after
	}
	if rest != "" && rest[0] != '.' {
		return nil, "", errors.New("a dot is missing after a bracket")
	}
	return path, rest, nil
}

// nextKey returns the key at the start of s, without its backslashes.
func nextKey(s string) (key, rest string, err error) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
			if i == len(s) {
				return "", "", errors.New(`the path ends with a backslash: write \\ for the character itself`)
			}
			b.WriteByte(s[i])
		case '.', '[':
			return b.String(), s[i:], nil
		default:
			b.WriteByte(s[i])
		}
	}
	return b.String(), "", nil
}

func indexOf(s string) int {
	n, err := strconv.ParseUint(s, 10, strconv.IntSize-1) // takes no sign
	if err != nil {
		return -1
	}
	return int(n)
}

// escapeKey writes a key so that parsePath reads it back.
var escapeKey = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, `=`, `\=`)

// String returns the path as parsePath reads it.
func (p jsonPath) String() string {
	var b strings.Builder
	for i, s := range p {
		switch {
		case s.only:
			fmt.Fprintf(&b, "[%d]", s.index)
			continue
		case i > 0:
			b.WriteByte('.')
		}
		if i == 0 && s.key == "$" {
			b.WriteByte('\\') // $ alone would mean the root
		}
		b.WriteString(escapeKey.Replace(s.key))
	}
	return b.String()
}

// lookup returns the value at p in doc, a document from json.Decoder.
func (p jsonPath) lookup(doc any) (any, error) {
	for i, s := range p {
		switch v := doc.(type) {
		case map[string]any:
			next, ok := v[s.key]
			if s.only || !ok {
				return nil, fmt.Errorf("the JSON has no %s", p[:i+1])
			}
			doc = next
		case []any:
			if s.index < 0 {
				return nil, fmt.Errorf("the JSON has an array%s: %q is not an index", p[:i].at(), s.key)
			}
			if s.index >= len(v) {
				return nil, fmt.Errorf("the JSON has no %s: the array has %d elements", p[:i+1], len(v))
			}
			doc = v[s.index]
		default:
			return nil, fmt.Errorf("the JSON has no %s: there is %s%s", p[:i+1], kind(doc), p[:i].at())
		}
	}
	return doc, nil
}

func (p jsonPath) at() string {
	if len(p) == 0 {
		return " at its root"
	}
	return " at " + p.String()
}

func kind(v any) string {
	switch v := v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "an array"
	case string:
		return "a string"
	case json.Number:
		return "a number"
	case bool:
		return strconv.FormatBool(v)
	default:
		return "null"
	}
}

// scalar returns v as text, and false if v is an object or an array.
func scalar(v any) (string, bool) {
	switch v.(type) {
	case string, json.Number, bool:
		return fmt.Sprint(v), true
	case nil:
		return "null", true
	}
	return "", false
}

// sameScalar reports whether v is the value that want describes: 1 and 1.0 are the
// same number.
func sameScalar(v any, want string) bool {
	text, ok := scalar(v)
	if ok && text == want {
		return true
	}
	if _, ok := v.(json.Number); !ok {
		return false
	}
	a, errA := strconv.ParseFloat(text, 64)
	b, errB := strconv.ParseFloat(want, 64)
	exact := isInteger(text) && isInteger(want)
	return errA == nil && errB == nil && a == b && !exact
}

// isInteger reports whether s is a whole number in JSON. Whole numbers are
// compared digit by digit, because a float64 cannot hold all of them.
func isInteger(s string) bool { return strings.Trim(s, "-0123456789") == "" }
