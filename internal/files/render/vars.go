package render

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/initbox/initbox/internal/fault"
)

// maxVars bounds one file of variables, and the sum of one directory's files.
const maxVars = 4 << 20

// readFile adds the variables of one --vars-file.
func (r *Renderer) readFile(path string) error {
	data, err := readPath(path, maxVars)
	if err != nil {
		return varsError("--vars-file", path, err)
	}
	faults := parseVars(string(data), r.set)
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

// openFlags open a file to read without waiting for the writer of a FIFO.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK | syscall.O_CLOEXEC

// readPath returns the content of the regular file path.
func readPath(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, openFlags, 0)
	if err != nil {
		return nil, plain(err)
	}
	defer f.Close()
	data, err := readRegular(f, limit)
	return data, plain(err)
}

// readRegular returns the content of f, which must be a regular file of at most
// limit bytes.
func readRegular(f *os.File, limit int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("larger than %d bytes", limit)
	}
	return data, err
}

// plain drops operation and path from err: who calls names the path.
func plain(err error) error {
	if pe := (*fs.PathError)(nil); errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// varsError returns err about the path that flag names.
func varsError(flag, path string, err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fault.Usagef("%s %s: %w: mount it, or correct the path", flag, path, err)
	}
	return fault.Usagef("%s %s: %w", flag, path, err)
}
