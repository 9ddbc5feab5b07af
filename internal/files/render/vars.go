package render

import (
	"strings"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// maxVars bounds one file of variables, and the sum of one directory's files.
const maxVars = 4 << 20

// readFile adds the variables of one --vars-file.
func (r *Renderer) readFile(files *mount.Reader, path string) error {
	f, err := files.Read(path, maxVars)
	if err != nil {
		return fault.Usagef("--vars-file %s: %w", path, err)
	}
	faults := parseVars(string(f.Data), r.set)
	if err := report(path, faults); err != nil {
		return fault.Usagef("--vars-file %w", err)
	}
	return nil
}

// parseVars gives each variable of data to set. The grammar, line by line:
//
//	# comment, and blank lines
//	NAME=value to the end of the line, as it is
//	NAME='value' NAME="value"
//	export NAME=value
//
// White space around the line and around NAME is dropped, and so is one pair of
// quotes around the whole value. Nothing else is special: no escapes, no
// comment after a value, no expansion, so that a password needs no care. A name
// is anything without white space and quotes; of a repeated one the last wins.
func parseVars(data string, set func(name, value string)) []problem {
	var faults []problem
	data = strings.TrimPrefix(data, "\ufeff")
	n := 0
	for line := range strings.Lines(data) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		fail := func(message string) { faults = append(faults, problem{n, message}) }
		name, value, ok := strings.Cut(line, "=")
		if rest, found := strings.CutPrefix(name, "export"); found && strings.TrimLeft(rest, " \t") != rest {
			name = rest
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		switch {
		case !ok:
			fail("there is no = on the line: write NAME=value, and # before a comment")
			continue
		case name == "" || strings.ContainsAny(name, " \t\"'"):
			fail("the text before = is not a name: write NAME=value, without quotes around the name")
			continue
		case strings.ContainsRune(line, 0):
			fail("a NUL byte: this is not a text file")
			continue
		}
		value, ok = unquote(value)
		if !ok {
			fail("the value begins with a quote that does not end the line: a value is one line, quoted as a whole or not at all")
			continue
		}
		set(name, value)
	}
	return faults
}

// unquote drops one pair of quotes around s. It refuses a beginning that is not
// ended, because that is a value of several lines in other tools.
func unquote(s string) (string, bool) {
	if s == "" || s[0] != '"' && s[0] != '\'' {
		return s, true
	}
	if len(s) == 1 || s[len(s)-1] != s[0] {
		return "", false
	}
	return s[1 : len(s)-1], true
}

// readPath returns the content of the regular file path.
func readPath(path string, limit int64) ([]byte, error) {
	f, err := mount.ReadFile(path, limit)
	if err != nil {
		return nil, err
	}
	return f.Data, nil
}
