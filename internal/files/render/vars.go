package render

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// maxVars bounds one file of variables, and the sum of one directory's files.
const maxVars = 4 << 20

// readVars adds the variables of --vars-file and --vars-dir to those of the
// environment. What comes from one volume is of one version.
func (r *Renderer) readVars(ctx context.Context) error {
	environ := r.vars
	return mount.OneVersion(ctx, func(files *mount.Reader) error {
		r.vars = maps.Clone(environ)
		var errs []error
		for _, path := range r.options.VarsFiles {
			errs = append(errs, r.readFile(files, path))
		}
		for _, path := range r.options.VarsDirs {
			if err := r.readDir(ctx, files, path); err != nil {
				errs = append(errs, fault.Usagef("--vars-dir %s: %w", path, err))
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return errors.Join(errs...)
	})
}

// readDir adds the variables of one --vars-dir: one for each regular file,
// without the line end at its end. Directories, which a Secret projected with
// paths has, are none.
func (r *Renderer) readDir(ctx context.Context, files *mount.Reader, path string) error {
	dir, entries, err := files.List(path)
	left := maxVars
	for _, e := range entries {
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case e.Dir:
			continue
		case e.Err != nil:
			return fmt.Errorf("%s: %w", e.Name, e.Err)
		}
		f, err := dir.Read(e.Name, maxVars)
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name, err)
		}
		if left -= len(f.Data); left < 0 {
			return fmt.Errorf("its files have more than %d MiB together: name a directory that has only variables", maxVars>>20)
		}
		r.set(e.Name, mount.TrimLineEnd(string(f.Data)))
	}
	return err
}

// readFile adds the variables of one --vars-file.
func (r *Renderer) readFile(files *mount.Reader, path string) error {
	f, err := files.Read(path, maxVars)
	if err != nil {
		return fault.Usagef("--vars-file %s: %w", path, err)
	}
	problems := parseVars(string(f.Data), r.set)
	if err := report(path, problems); err != nil {
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
	var problems []problem
	data = strings.TrimPrefix(data, "\ufeff")
	n := 0
	for line := range strings.Lines(data) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if rest, found := strings.CutPrefix(name, "export"); found && strings.TrimLeft(rest, " \t") != rest {
			name = rest
		}
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		unquoted, whole := unquote(value)
		message := ""
		switch {
		case !ok:
			message = "there is no = on the line: write NAME=value, and # before a comment"
		case name == "" || strings.ContainsAny(name, " \t\"'"):
			message = "the text before = is not a name: write NAME=value, without quotes around the name"
		case strings.ContainsRune(line, 0):
			message = "a NUL byte: this is not a text file"
		case !whole:
			message = "the value begins with a quote that does not end the line: a value is one line, quoted as a whole or not at all"
		default:
			set(name, unquoted)
			continue
		}
		problems = append(problems, problem{n, message})
	}
	return problems
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
