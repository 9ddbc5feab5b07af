package plan

import (
	"errors"
	"fmt"
	"strings"

	"github.com/initbox/initbox/internal/text/envname"
)

// expand replaces ${NAME} by lookup's value and $$ by a dollar sign. An unset
// variable and any other use of $ are errors: a value that silently becomes ""
// causes a failure much later and elsewhere.
func expand(s string, lookup func(string) (string, bool)) (string, error) {
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '$')
		if i < 0 {
			b.WriteString(s)
			return b.String(), nil
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		switch {
		case strings.HasPrefix(s, "$"):
			b.WriteByte('$')
			s = s[1:]
		case strings.HasPrefix(s, "{"):
			name, rest, ok := strings.Cut(s[1:], "}")
			if !ok {
				return "", errors.New(`"${" without "}": write "$$" for a dollar sign`)
			}
			if !envname.Valid(name) {
				return "", fmt.Errorf(`"${%s}" is not a variable: a name has letters, digits and underscores`, name)
			}
			value, ok := lookup(name)
			if !ok {
				return "", fmt.Errorf("the variable %s is not set: set it in the container's env, or write $${%s} for the text itself", name, name)
			}
			b.WriteString(value)
			s = rest
		default:
			return "", errors.New(`a lone "$": write "${NAME}" for a variable, "$$" for a dollar sign`)
		}
	}
}
