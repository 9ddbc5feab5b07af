package render

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pelletier/go-toml/v2"

	"github.com/initbox/initbox/internal/fault"
)

// Formats are the kinds of file that Validate knows.
func Formats() []string { return []string{"json", "yaml", "toml", "ini"} }

// Validate checks that data is a file of the given kind, one of [Formats]. The
// error is of kind [fault.Usage], names the file name and the line, and holds
// nothing of data but single characters: it may be full of secrets.
//
// JSON is one value. YAML may be several documents; keys must be unique and
// aliases defined. TOML is version 1.0. INI has no standard: see the source of
// checkINI for what is taken for one. An empty file is an error in JSON only.
func Validate(kind, name string, data []byte) (err error) {
	check := map[string]func([]byte) []problem{"json": checkJSON, "yaml": checkYAML, "toml": checkTOML, "ini": checkINI}[kind]
	if check == nil {
		return fault.Usagef("--validate %q: it must be one of %s", kind, strings.Join(Formats(), ", "))
	}
	defer func() {
		// The parsers are large and not ours, the data may be anybody's.
		if recover() != nil {
			err = report(name, []problem{{1, "the parser for " + kind + " gave up on this file"}})
		}
	}()
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if kind != "ini" && !utf8.Valid(data) {
		n := 1
		for line := range bytes.Lines(data) {
			if !utf8.Valid(line) {
				break
			}
			n++
		}
		return report(name, []problem{{n, "not valid UTF-8"}})
	}
	problems := check(data)
	for i := range problems {
		problems[i].message = "not valid " + strings.ToUpper(kind) + ": " + problems[i].message
	}
	return report(name, problems)
}

func checkJSON(data []byte) []problem {
	var raw json.RawMessage
	err := json.Unmarshal(data, &raw)
	if err == nil {
		return nil
	}
	offset := len(data)
	if e := (*json.SyntaxError)(nil); errors.As(err, &e) {
		offset = int(e.Offset)
	}
	// The offset is that after the character at fault.
	offset = max(0, min(offset, len(data))-1)
	column := offset - bytes.LastIndexByte(data[:offset], '\n')
	return []problem{{lineOf(data, offset), fmt.Sprintf("%v (column %d)", err, column)}}
}

func checkTOML(data []byte) []problem {
	var values map[string]any
	err := toml.Unmarshal(data, &values)
	if err == nil {
		return nil
	}
	f := problem{1, strings.TrimPrefix(err.Error(), "toml: ")}
	if e := (*toml.DecodeError)(nil); errors.As(err, &e) {
		f.line, _ = e.Position()
	}
	switch { // these messages go on with a name or value of the file
	case strings.HasPrefix(f.message, "key "), strings.HasPrefix(f.message, "table "):
		f.message = "the key or table is defined before, or as something else"
	case strings.HasPrefix(f.message, "unable to parse float"):
		f.message = "the number is out of range"
	}
	return []problem{f}
}

// lineOf returns the line of data[offset].
func lineOf(data []byte, offset int) int { return 1 + bytes.Count(data[:offset], []byte("\n")) }
