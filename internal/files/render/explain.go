package render

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/files/render/gotemplate"
)

// A complaint is the error of one of our own functions: it holds no data.
type complaint string

func (c complaint) Error() string { return string(c) }

// explain makes a fault of an error of gotemplate, which looks like
//
//	template: file:3: unexpected "}" in operand
//	template: file:3:7: executing "file" at <.NAME>: map has no entry for key "NAME"
func explain(err error) problem {
	line, message := 1, err.Error()
	if rest, ok := strings.CutPrefix(message, "template: "+top+":"); ok {
		number, rest, _ := strings.Cut(rest, ":")
		if n, err := strconv.Atoi(number); err == nil {
			line = n
		}
		message = strings.TrimSpace(strings.TrimLeft(rest, "0123456789:"))
	}
	if c := complaint(""); errors.As(err, &c) {
		return problem{line, c.Error()}
	}
	if e := (*gotemplate.Error)(nil); errors.As(err, &e) {
		return problem{line, executing(e.Context, e.Err.Error())}
	}
	return problem{line, message}
}

// executing explains the error what of executing the part where of a template.
func executing(where, what string) string {
	if key, ok := strings.CutPrefix(what, "map has no entry for key "); ok {
		return fmt.Sprintf(`the variable %s is not set: set it, or write {{env %s | default "…"}}`, strings.Trim(key, `"`), key)
	}
	return fmt.Sprintf("in %q: %s", where, what)
}
