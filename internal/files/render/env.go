package render

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/initbox/initbox/internal/text/envname"
)

// maxDepth is how deep defaults may hold references.
const maxDepth = 8

// unsupported ends the message about a form of the shell that mode env lacks.
const unsupported = "write ${NAME}, ${NAME:-default} or ${NAME:?message}; $${ for the text itself; or choose the variables with --vars, so that all others stay as they are"

// An expander renders one file in mode env.
type expander struct {
	*Renderer
	problems []problem
	line     int // of the text at hand
	full     bool
}

// expand renders text in mode env.
func (r *Renderer) expand(name, text string) ([]byte, error) {
	e := &expander{Renderer: r}
	var out strings.Builder
	for line := range strings.Lines(text) {
		if e.full {
			break
		}
		e.line++
		content := strings.TrimRight(line, "\r\n")
		e.expandLine(&out, content)
		e.add(&out, line[len(content):])
	}
	if err := report(name, e.problems); err != nil {
		return nil, err
	}
	return []byte(out.String()), nil
}

func (e *expander) expandLine(out *strings.Builder, text string) {
	for !e.full {
		i := strings.Index(text, "${")
		if i < 0 {
			e.add(out, text)
			return
		}
		start := len(strings.TrimRight(text[:i], "$"))
		e.add(out, text[:start])
		value, n, ok := e.dollars(text[start:], 0, true)
		if !ok {
			return // where a broken reference ends is anyone's guess
		}
		e.add(out, value)
		text = text[start+n:]
	}
}

// dollars renders the start of s: any number of dollar signs, the last of them
// before a brace. It returns the text for it and how much of s that was; ok is
// false after a syntax error. A reference whose value nobody needs, being in an
// unused default, is not live: it is checked, but may be unset.
func (e *expander) dollars(s string, depth int, live bool) (value string, n int, ok bool) {
	count := strings.IndexByte(s, '{')
	name := envname.Leading(s[count+1:])
	if name == "" || !e.options.chosen(name) {
		return s[:count+1], count + 1, true
	}
	literal := s[:count/2]
	if count%2 == 0 {
		return literal + "{", count + 1, true
	}
	value, n, ok = e.reference(name, s[count-1:], depth, live)
	return literal + value, count - 1 + n, ok
}

// reference renders the reference to name that s begins with.
func (e *expander) reference(name, s string, depth int, live bool) (value string, n int, ok bool) {
	value, set := e.vars[name]
	n = len("${") + len(name)
	switch operator := s[n:]; {
	case strings.HasPrefix(operator, "}"):
		if !set && live {
			e.fail("the variable %s is not set: set it, or write ${%s:-default}", name, name)
		}
		return value, n + 1, true
	case strings.HasPrefix(operator, ":-"):
		live = live && value == ""
		fallback, m, ok := e.body(name, operator[2:], depth+1, live)
		if live {
			value = fallback
		}
		return value, n + 2 + m, ok
	case strings.HasPrefix(operator, ":?"):
		_, m, ok := e.body(name, operator[2:], depth+1, false)
		if ok && live && value == "" {
			e.fail("the variable %s is not set or empty: %s", name, cmp.Or(operator[2:m+1], "set it"))
		}
		return value, n + 2 + m, ok
	case operator == "":
		e.unclosed(name)
	default:
		e.fail("${%s is followed by neither }, :- nor :?: %s", name, unsupported)
	}
	return "", 0, false
}

// body renders a default up to the brace that closes it, which n counts too. Its
// text is complete only if it is live.
func (e *expander) body(name, s string, depth int, live bool) (text string, n int, ok bool) {
	if depth > maxDepth {
		e.fail("the text for %s is more than %d references deep", name, maxDepth)
		return "", 0, false
	}
	var out strings.Builder
	open := 0 // braces of references that stay as they are
	for !e.full {
		i := strings.IndexAny(s[n:], "${}")
		if i < 0 {
			e.unclosed(name)
			break
		}
		if live {
			e.add(&out, s[n:n+i])
		}
		n += i
		switch {
		case s[n] == '}' && open == 0:
			return out.String(), n + 1, true
		case s[n] == '}':
			open--
			if live {
				e.add(&out, "}")
			}
			n++
		case s[n] == '{':
			e.fail("the text for %s holds a brace, so its end is unclear: set the variable, or use --render=template", name)
			return "", 0, false
		default:
			value, m, ok := e.nested(s[n:], depth, live, &open)
			if !ok {
				return "", 0, false
			}
			if live {
				e.add(&out, value)
			}
			n += m
		}
	}
	return "", 0, false
}

// nested renders the dollar signs that s, a part of a default, begins with, and
// the reference after them if there is one.
func (e *expander) nested(s string, depth int, live bool, open *int) (value string, n int, ok bool) {
	count := len(s) - len(strings.TrimLeft(s, "$"))
	if !strings.HasPrefix(s[count:], "{") {
		return s[:count], count, true
	}
	value, n, ok = e.dollars(s, depth, live)
	if n == count+1 {
		*open++
	}
	return value, n, ok
}

// add appends text to out within the size limit.
func (e *expander) add(out *strings.Builder, text string) {
	if limit := e.options.Limit(); !e.full && int64(out.Len()+len(text)) > limit {
		e.full = true
		e.fail(tooLarge, limit)
	}
	if !e.full {
		out.WriteString(text)
	}
}

func (e *expander) unclosed(name string) {
	e.fail("${%s is not closed on its line: add a }", name)
}

func (e *expander) fail(format string, args ...any) {
	e.problems = append(e.problems, problem{e.line, fmt.Sprintf(format, args...)})
}
