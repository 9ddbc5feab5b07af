package gotemplate

import (
	"fmt"
	"io"
	"maps"
	"text/template/parse"
)

// A Template is one that was read, with those that it defines.
type Template struct {
	name  string
	trees map[string]*parse.Tree
	funcs map[string]Func
}

// Parse reads the template name from text, which may call funcs. An error looks
// like "template: NAME:LINE: MESSAGE".
func Parse(name, text string, funcs map[string]Func) (*Template, error) {
	all := builtins()
	maps.Copy(all, funcs)
	known := make(map[string]any, len(all))
	for name, f := range all {
		known[name] = f
	}
	trees, err := parse.Parse(name, text, "", "", known)
	if err != nil {
		return nil, err
	}
	return &Template{name: name, trees: trees, funcs: all}, nil
}

// Execute writes to w what the template makes of data. step is called before
// each iteration of a loop and each execution of a template, with the number of
// templates that are being executed; its error ends the whole. All errors are of
// type *[Error].
func (t *Template) Execute(w io.Writer, data any, step func(depth int) error) error {
	s := &state{Template: t, w: w, step: step, tree: t.trees[t.name], depth: 1}
	return s.template(data)
}

// An Error is one of executing a template.
type Error struct {
	Location string // NAME:LINE:COLUMN
	Context  string // the part of the template that failed
	Template string // the definition that it stands in
	Err      error
}

func (e *Error) Error() string {
	return fmt.Sprintf("template: %s: executing %q at <%s>: %v", e.Location, e.Template, e.Context, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }
