package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/initbox/initbox/internal/fault"
)

// A Renderer renders files. Its methods may be called from several goroutines.
type Renderer struct {
	options  Options
	vars     map[string]string // the chosen ones
	hostname func() (string, error)
}

// New reads the files and directories of variables that o names. environ is the
// environment, as [os.Environ] returns it. An error that the configuration
// causes is of kind [fault.Usage] and names the flag.
func New(ctx context.Context, o Options, environ []string) (*Renderer, error) {
	r := &Renderer{options: o, vars: make(map[string]string), hostname: func() (string, error) { return o.Hostname, nil }}
	for _, entry := range environ {
		if name, value, ok := strings.Cut(entry, "="); ok && name != "" {
			r.set(name, value)
		}
	}
	if err := r.readVars(ctx); err != nil {
		return nil, err
	}
	return r, nil
}

func (r *Renderer) set(name, value string) {
	if r.options.chosen(name) {
		r.vars[name] = value
	}
}

// Binary reports whether data is passed through as it is.
func Binary(data []byte) bool { return bytes.IndexByte(data, 0) >= 0 }

// Render returns data with the variables filled in; name is the file's in
// errors. A fault in data or a variable that is not set gives an error of kind
// [fault.Usage] with a line FILE:LINE: MESSAGE for each.
func (r *Renderer) Render(ctx context.Context, name string, data []byte) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if r.options.Mode != Env && r.options.Mode != Template || Binary(data) {
		return data, nil
	}
	if limit := r.options.Limit(); int64(len(data)) > limit {
		return nil, fault.Usagef("%s:1: the file is larger than %d bytes, the limit of a rendered file", name, limit)
	}
	if r.options.Mode == Env {
		return r.expand(name, string(data))
	}
	return r.execute(ctx, name, string(data))
}

// tooLarge is the problem of a file that grows beyond the limit.
const tooLarge = "the file becomes larger than %d bytes, the limit of a rendered file"

// A problem is one error in a file.
type problem struct {
	line    int
	message string
}

// maxProblems is how many problems of one file are reported.
const maxProblems = 20

// report returns the error that lists problems of the file name.
func report(name string, problems []problem) error {
	var errs []error
	for i, p := range problems {
		if i == maxProblems {
			errs = append(errs, fmt.Errorf("%s: and %d more errors", name, len(problems)-maxProblems))
			break
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s", name, p.line, p.message))
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.Usagef("%w", errors.Join(errs...))
}
