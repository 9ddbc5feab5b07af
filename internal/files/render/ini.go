package render

import "strings"

// checkINI checks data against what the INI files of systemd, git, PHP, MySQL and
// Python's configparser share:
//
//	; a comment      # a comment
//	[section]        a comment may follow
//	key = value      key: value; the value may be empty
//	  more           an indented line goes on with the value before it
//	key = one \      a backslash goes on with the next line
//	  two
//
// Keys and sections may repeat, keys may stand before the first section. A key
// alone on a line (skip-name-resolve of MySQL) is an error: to take it for valid
// is to take anything for valid.
func checkINI(data []byte) []problem {
	var problems []problem
	n := 0
	value, backslash := false, false // whether the line before can be continued
	for text := range strings.Lines(string(data)) {
		n++
		text = strings.TrimRight(text, "\r\n")
		message := ""
		switch rest := strings.TrimSpace(text); {
		case strings.ContainsRune(text, 0):
			message = "a NUL byte"
		case backslash: // anything may follow
		case rest == "" || rest[0] == ';' || rest[0] == '#':
			continue
		case rest[0] == '[':
			value = false
			message = checkSection(rest)
		case value && text != strings.TrimLeft(text, " \t"):
		default:
			value = true
			message = checkKey(rest)
		}
		if message != "" {
			problems = append(problems, problem{n, message})
		}
		backslash = value && strings.HasSuffix(text, `\`)
	}
	return problems
}

func checkSection(s string) string {
	name, after, ok := strings.Cut(s[1:], "]")
	after = strings.TrimSpace(after)
	switch {
	case !ok:
		return "a section without its ]"
	case strings.TrimSpace(name) == "":
		return "a section without a name"
	case after != "" && after[0] != ';' && after[0] != '#':
		return "text after a section's ]"
	}
	return ""
}

func checkKey(s string) string {
	switch i := strings.IndexAny(s, "=:"); {
	case i < 0:
		return `neither a [section], a comment nor a key with a value: write key = value`
	case strings.TrimSpace(s[:i]) == "":
		return "a value without a key"
	}
	return ""
}
