package render

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/template"
)

// A complaint is the error of one of our own functions: it holds no data.
type complaint string

func (c complaint) Error() string { return string(c) }

// explain makes a problem of an error of text/template, which looks like
//
//	template: file:3: unexpected "}" in operand
//	template: file:3:7: executing "file" at <.NAME>: map has no entry for key "NAME"
func explain(err error) problem {
	line, message := 1, strings.TrimPrefix(err.Error(), "template: "+top+":")
	number, rest, _ := strings.Cut(message, ":")
	if n, err := strconv.Atoi(number); err == nil {
		line, message = n, strings.TrimSpace(rest)
	}
	if c := complaint(""); errors.As(err, &c) {
		return problem{line, string(c)}
	}
	if e := (template.ExecError{}); errors.As(err, &e) {
		_, rest, _ := strings.Cut(message, " at <")
		where, what, _ := strings.Cut(rest, ">: ")
		return problem{line, executing(where, what)}
	}
	return problem{line, message}
}

// executing explains the error what of executing the part where of a template. The
// three messages of text/template that hold values, which may be secrets, are cut.
func executing(where, what string) string {
	if key, ok := strings.CutPrefix(what, "map has no entry for key "); ok {
		return fmt.Sprintf(`the variable %s is not set: set it, or write {{env %s | default "…"}}`, strings.Trim(key, `"`), key)
	}
	call, _, incomparable := strings.Cut(what, "non-comparable type")
	switch {
	case strings.HasPrefix(what, "range can't iterate over "):
		what = "range needs a list or a number (as of split)"
	case strings.HasPrefix(what, "can't use "):
		what = "range over a number gives one variable, not two"
	case incomparable:
		what = call + "non-comparable types: only nil can be compared with a list or map"
	}
	return fmt.Sprintf("in %q: %s", where, what)
}
