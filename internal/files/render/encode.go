package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// quote returns value in double quotes.
func (x *execution) quote(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return x.quoted(v)
	case nil, []string, map[string]string:
		return "", complaint("quote needs text or a number: use toJson for lists and maps")
	default:
		return x.quoted(fmt.Sprint(v))
	}
}

// quoted returns s as a JSON string, which is one of YAML and TOML too.
func (x *execution) quoted(s string) (string, error) {
	if !utf8.ValidString(s) {
		return "", complaint("the value is not UTF-8, so it cannot be quoted: use b64enc")
	}
	if err := x.charge(len(s)); err != nil {
		return "", err
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a & in a URL stays readable
	if err := e.Encode(s); err != nil {
		return "", complaint("the value cannot be quoted")
	}
	// JSON may hold a DEL, YAML and TOML may not.
	text := strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
	return text, x.charge(len(text))
}

// toJSON returns value as JSON on one line.
func (x *execution) toJSON(value any) (string, error) {
	switch v := value.(type) {
	case []string:
		return x.list(v, "[", ",", "]", "")
	case map[string]string:
		return x.mapping(v, "{", ":", ",", "}")
	default:
		return x.scalar(v)
	}
}

// toYAML returns value as YAML. Texts are in double quotes always: that keeps
// "no" and "1.10" texts, and one with line ends fits any place.
func (x *execution) toYAML(value any) (string, error) {
	switch v := value.(type) {
	case []string:
		if len(v) == 0 {
			return "[]", nil
		}
		return x.list(v, "", "\n", "", "- ")
	case map[string]string:
		if len(v) == 0 {
			return "{}", nil
		}
		return x.mapping(v, "", ": ", "\n", "")
	default:
		return x.scalar(v)
	}
}

func (x *execution) list(values []string, begin, between, end, before string) (string, error) {
	parts := make([]string, len(values))
	for i, v := range values {
		s, err := x.quoted(v)
		if err != nil {
			return "", err
		}
		parts[i] = before + s
	}
	return begin + strings.Join(parts, between) + end, x.charge(size(parts))
}

func (x *execution) mapping(values map[string]string, begin, is, between, end string) (string, error) {
	parts := make([]string, 0, len(values))
	for _, name := range slices.Sorted(maps.Keys(values)) {
		key, err := x.quoted(name)
		if err != nil {
			return "", err
		}
		s, err := x.quoted(values[name])
		if err != nil {
			return "", err
		}
		parts = append(parts, key+is+s)
	}
	return begin + strings.Join(parts, between) + end, x.charge(size(parts))
}

// scalar returns a value that JSON and YAML write alike.
func (x *execution) scalar(value any) (string, error) {
	switch v := value.(type) {
	case nil:
		return "null", nil
	case bool:
		return strconv.FormatBool(v), nil
	case string:
		return x.quoted(v)
	case int, int32, float64:
		return fmt.Sprint(v), nil
	default:
		return "", complaint(fmt.Sprintf("a value of type %T has no form in JSON and YAML", v))
	}
}
