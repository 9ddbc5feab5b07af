package render

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"text/template"

	"github.com/initbox/initbox/internal/files/mount"
)

// functions returns what templates may call. Those of text/template that make
// text are among them, so that what they make is charged.
func (x *execution) functions() template.FuncMap {
	return template.FuncMap{
		"env":      func(name string) string { return x.vars[name] },
		"file":     x.file,
		"default":  orDefault,
		"required": required,
		"quote":    x.quote,
		"toJson":   x.toJSON,
		"toYaml":   x.toYAML,
		"b64enc":   x.encode,
		"b64dec":   x.decode,
		"sha256":   x.digest,
		"join":     x.join,
		"split":    x.split,
		"trim":     strings.TrimSpace,
		"indent":   x.indent,
		"ordinal":  x.ordinal,

		"urlquery": x.charged(template.URLQueryEscaper),
		"html":     x.charged(template.HTMLEscaper),
		"js":       x.charged(template.JSEscaper),
		"print":    x.charged(fmt.Sprint),
		"println":  x.charged(fmt.Sprintln),
		"printf":   x.printf,
		"call":     func(...any) (string, error) { return "", complaint("there is nothing to call") },
	}
}

// file returns the content of the regular file path. It may be any that the
// container's user can read: a template comes from whoever writes the pod.
func (x *execution) file(path string) (string, error) {
	if !filepath.IsAbs(path) {
		return "", complaint(fmt.Sprintf("file %q: the path must be absolute", path))
	}
	f, err := mount.ReadFile(path, x.options.Limit())
	if err != nil {
		return "", complaint(fmt.Sprintf("file %q: %v", path, err))
	}
	return string(f.Data), x.charge(len(f.Data))
}

func orDefault(fallback, value any) (any, error) {
	if truth, ok := template.IsTrue(value); truth && ok {
		return value, nil
	}
	return fallback, nil
}

func required(message string, value any) (any, error) {
	if value == nil || value == "" {
		return nil, complaint(message)
	}
	return value, nil
}

func (x *execution) encode(s string) (string, error) {
	text := base64.StdEncoding.EncodeToString([]byte(s))
	return text, x.charge(len(text))
}

func (x *execution) decode(s string) (string, error) {
	data, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		return "", complaint("b64dec: the text is not base64")
	}
	return string(data), x.charge(len(data))
}

func (x *execution) digest(s string) (string, error) {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:]), x.ctx.Err()
}

func (x *execution) join(separator string, list []string) (string, error) {
	if err := x.charge(size(list) + len(separator)*len(list)); err != nil {
		return "", err
	}
	return strings.Join(list, separator), nil
}

func (x *execution) split(separator, s string) ([]string, error) {
	if s == "" {
		return []string{}, nil
	}
	list := strings.Split(s, separator)
	return list, x.charge(size(list))
}

// widest is the largest indent and width of printf.
const widest = 1000

func (x *execution) indent(n int, s string) (string, error) {
	if n < 0 || n > widest {
		return "", complaint(fmt.Sprintf("indent: the number must be from 0 to %d", widest))
	}
	if err := x.charge(len(s) + n*(1+strings.Count(s, "\n"))); err != nil {
		return "", err
	}
	pad := strings.Repeat(" ", n)
	return pad + strings.ReplaceAll(s, "\n", "\n"+pad), nil
}

// ordinal returns the number that a StatefulSet gave this pod.
func (x *execution) ordinal() (int, error) {
	host, err := x.hostname()
	if err != nil {
		return 0, complaint(fmt.Sprintf("ordinal: the host name is unknown: %v", err))
	}
	label, _, _ := strings.Cut(host, ".")
	n, err := strconv.ParseUint(label[strings.LastIndexByte(label, '-')+1:], 10, 31)
	if err != nil || !strings.Contains(label, "-") {
		return 0, complaint(fmt.Sprintf("ordinal: the host name %q does not end in a dash and a number, so this is no pod of a StatefulSet (or it has its own hostname)", host))
	}
	return int(n), nil
}

// charged returns print for templates, with its result charged.
func (x *execution) charged(print func(...any) string) func(...any) (string, error) {
	return func(args ...any) (string, error) {
		if err := x.charge(size(args...)); err != nil {
			return "", err
		}
		s := print(args...)
		return s, x.charge(len(s))
	}
}

// printf is fmt.Sprintf with what it may make charged before it does.
func (x *execution) printf(format string, args ...any) (string, error) {
	verbs := strings.Split(format, "%")[1:]
	for _, v := range verbs {
		modifiers := v[:len(v)-len(strings.TrimLeft(v, "+-# 0123456789.[]*"))]
		for n := range strings.FieldsFuncSeq(modifiers, func(r rune) bool { return r < '0' || '9' < r }) {
			if width, err := strconv.Atoi(n); err != nil || width > widest {
				return "", complaint(fmt.Sprintf("printf: a number in the format is larger than %d", widest))
			}
		}
		if strings.Contains(modifiers, "*") {
			return "", complaint("printf: write the width as a number instead of *")
		}
	}
	// No verb makes more than ten bytes of one, and an argument may be used often.
	if err := x.charge(len(format) + len(verbs)*(widest+10*size(args...))); err != nil {
		return "", err
	}
	return fmt.Sprintf(format, args...), nil
}

// overhead is what a value takes beside its text.
const overhead = 16

// size returns about how many bytes values hold.
func size(values ...any) int {
	n := 0
	for _, v := range values {
		n += overhead
		switch v := v.(type) {
		case string:
			n += len(v)
		case []string:
			for _, s := range v {
				n += len(s) + overhead
			}
		case map[string]string:
			for key, s := range v {
				n += len(key) + len(s) + overhead
			}
		}
	}
	return n
}
