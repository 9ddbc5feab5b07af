package render

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// quote returns value in double quotes.
func (x *execution) quote(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return x.toJSON(v)
	case nil, []string, map[string]string:
		return "", complaint("quote needs text or a number: use toJson for lists and maps")
	default:
		return x.toJSON(fmt.Sprint(v))
	}
}

// toJSON returns value as JSON on one line. A text of JSON is one of YAML and
// TOML too.
func (x *execution) toJSON(value any) (string, error) {
	if !utf8.ValidString(fmt.Sprint(value)) {
		return "", complaint("the value is not UTF-8, so it cannot be quoted: use b64enc")
	}
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // a & in a URL stays readable
	if err := e.Encode(value); err != nil {
		return "", complaint(fmt.Sprintf("a value of type %T has no form in JSON and YAML", value))
	}
	// JSON may hold a DEL, YAML and TOML may not.
	text := strings.ReplaceAll(strings.TrimSuffix(b.String(), "\n"), "\x7f", `\u007f`)
	return text, x.charge(len(text))
}

// toYAML returns value as YAML. Texts are in double quotes always: that keeps
// "no" and "1.10" texts, and one with line ends fits any place.
func (x *execution) toYAML(value any) (string, error) {
	var lines []string
	switch v := value.(type) {
	case []string:
		for _, element := range v {
			text, err := x.toJSON(element)
			if err != nil {
				return "", err
			}
			lines = append(lines, "- "+text)
		}
	case map[string]string:
		for _, name := range slices.Sorted(maps.Keys(v)) {
			key, err := x.toJSON(name)
			if err != nil {
				return "", err
			}
			text, err := x.toJSON(v[name])
			if err != nil {
				return "", err
			}
			lines = append(lines, key+": "+text)
		}
	}
	if lines == nil { // empty, or no list or map
		return x.toJSON(value)
	}
	text := strings.Join(lines, "\n")
	return text, x.charge(len(text))
}
