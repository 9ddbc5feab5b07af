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

// harmless are the beginnings of those errors of text/template that name only
// what stands in the template. Others may hold data ("range can't iterate over
// hunter2"), also in a later version of Go, and are not shown.
var harmless = []string{
	"can't evaluate field ",
	"can't give argument to non-function ",
	"cannot assign nil to ",
	"error calling index: ",
	"error calling len: ",
	"error calling slice: ",
	"expected ",
	"invalid value; expected ",
	"nil data; no entry for key ",
	"nil is not a command",
	"template ",
	"wrong number of args for ",
	"wrong type for value; expected ",
}

// explain makes a fault of an error of text/template, which looks like
//
//	template: file:3: unexpected "}" in operand
//	template: file:3:7: executing "file" at <.NAME>: map has no entry for key "NAME"
func explain(err error) fault {
	line, message := 1, err.Error()
	if rest, ok := strings.CutPrefix(message, "template: "+top+":"); ok {
		number, rest, _ := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(number); err == nil {
			line = n
		}
		message = strings.TrimSpace(strings.TrimLeft(rest, "0123456789:"))
	}
	if c := complaint(""); errors.As(err, &c) {
		return fault{line, c.Error()}
	}
	if e := (template.ExecError{}); errors.As(err, &e) {
		where, what, _ := strings.Cut(message, ">: ")
		_, where, _ = strings.Cut(where, " at <")
		return fault{line, executing(where, what)}
	}
	return fault{line, message}
}

// executing explains the error what of executing the part where of a template.
func executing(where, what string) string {
	if key, ok := strings.CutPrefix(what, "map has no entry for key "); ok {
		return fmt.Sprintf(`the variable %s is not set: set it, or write {{env %s | default "…"}}`, strings.Trim(key, `"`), key)
	}
	for _, prefix := range harmless {
		if strings.HasPrefix(what, prefix) {
			return fmt.Sprintf("in %q: %s", where, what)
		}
	}
	return fmt.Sprintf("%q cannot be evaluated: range needs a list or a number (as of split), eq and its like two values of one type", where)
}
