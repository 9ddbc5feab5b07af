package render

import (
	"fmt"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/fault"
)

// Files of each kind and how the error begins; "" for one that is valid.
var validated = []struct{ kind, data, want string }{
	{"json", `{"a": [1, null, "x"]}` + "\n", ""},
	{"json", "\ufeff[]", ""},
	{"json", "", "f:1: not valid JSON: unexpected end of JSON input"},
	{"json", "{\n \"a\": hunter2\n}", "f:2: not valid JSON: invalid character 'h' looking for beginning of value (column 7)"},
	{"json", "{}\n{}", "f:2: not valid JSON: invalid character '{' after top-level value (column 1)"},
	{"json", "{\n\"a\": 1", "f:2: not valid JSON: unexpected end"},
	{"json", "\"\n\xff\"", "f:2: not valid UTF-8"},
	{"json", strings.Repeat("[", 1<<16), "f:1: not valid JSON: invalid character '[' exceeded max depth"},
	{"yaml", "a: b\nc: [1, {d: e}]\n---\nf: &x 1\ng: *x\n", ""},
	{"yaml", "", ""},
	{"yaml", "\xef\xbb\xbfa: b", ""},
	{"yaml", "a: 1\n\ta: b", "f:2: not valid YAML: "},
	{"yaml", "a: 1\nb: 2\na: 3", "f:3: not valid YAML: mapping key … already defined"},
	{"yaml", "a: b: hunter2", "f:1: not valid YAML: mapping value is not allowed"},
	{"yaml", "a:\n  - \"hunter2", "f:2: not valid YAML: could not find end character"},
	{"yaml", "a: &x 1\n---\nb: *x\nc: *hunter2", "f:3: not valid YAML: an alias"},
	{"yaml", "%YAML hunter2\n---\na", "f:1: not valid YAML: unknown YAML version …"},
	{"yaml", "a: \xff", "f:1: not valid UTF-8"},
	{"yaml", "a: |\n  {{[[\n" + strings.Repeat("  [[ - ? \n", 1000), ""},
	{"yaml", strings.Repeat("[", 1<<16), "f:1: not valid YAML: lists and maps are nested more than 200 deep"},
	{"yaml", strings.Repeat("- ", 1<<15), "f:1: not valid YAML: lists and maps are nested"},
	{"yaml", strings.Repeat("? ", 1<<15), "f:1: not valid YAML: lists and maps are nested"},
	{"yaml", "a:\n" + strings.Repeat("- - x\n", 1000), ""},
	{"toml", "a = 1\n[b]\nc = \"d\"\n", ""},
	{"toml", "", ""},
	{"toml", "\na = hunter2", "f:2: not valid TOML: unexpected character U+0068 'h' at start of value"},
	{"toml", "a = 1\nb = 2\na = 3", "f:3: not valid TOML: the key or table is defined before"},
	{"toml", "[hunter2]\n[hunter2]", "f:2: not valid TOML: the key or table is defined before"},
	{"toml", "a = 1e999999", "f:1: not valid TOML: the number is out of range"},
	{"toml", "\n\n[a", "f:3: not valid TOML: "},
	{"toml", "a = \"\xff\"", "f:1: not valid UTF-8"},
	{"toml", "a = " + strings.Repeat("[", 1<<15), "f:1: not valid TOML: arrays and inline tables are nested"},
	{"toml", strings.Repeat("a.", 1<<13) + "a = 1", ""},
	{"ini", "top = 1\n; c\n# c\n[s] ; c\nk=v\nk: v\nempty =\n\n[s]\n\tk = v\nlong = a\n  b\n  ; c\n\n c\nw = x \\\ny\n", ""},
	{"ini", "", ""},
	{"ini", "caf\xe9 = x\r\n[a]\r\n", ""},
	{"ini", "a = 1\nhunter2\n[s\n[]\n[a] b\n= x\n: y\n", "f:2: not valid INI: neither a [section]"},
	{"ini", "[a]\n  hunter2", "f:2: not valid INI: neither"},
	{"ini", "a = \\\n[\nb", "f:3: not valid INI: neither"},
	{"ini", "a = \x00", "f:1: not valid INI: a NUL byte"},
	{"xml", "", `--validate "xml": it must be one of json, yaml, toml, ini`},
}

func TestValidate(t *testing.T) {
	for _, c := range validated {
		got := ""
		if err := Validate(c.kind, "f", []byte(c.data)); err != nil {
			got = err.Error()
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("%s %.100q: kind %d", c.kind, c.data, fault.KindOf(err))
			}
		}
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) || strings.Contains(got, "hunter2") {
			t.Errorf("%s %.100q:\ngot  %.300s\nwant %s", c.kind, c.data, got, c.want)
		}
	}
	err := Validate("ini", "f", []byte("a = 1\nhunter2\n[s\n[]\n[a] b\n= x\n: y\n"))
	for line := 2; line <= 7; line++ {
		if want := fmt.Sprintf("f:%d: ", line); !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}

func FuzzValidate(f *testing.F) {
	for _, s := range []string{`{"a":[1,"\u0000"]}`, "a: &x [b, *x]\n? c\n: |\n  d\n", "a.b = 1979-05-27T07:32:00Z\n[[c]]\nd = '''x'''\n", "[s]\nk = v \\\n", "%TAG ! x\n---\n!!int \"\\x\"", "<<: *a\n- - {? }: 'x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		lines := strings.Count(text, "\n") + strings.Count(text, "\r") + 1
		for _, kind := range Formats() {
			err := Validate(kind, "f", []byte(text))
			if err == nil {
				continue
			}
			for s := range strings.SplitSeq(err.Error(), "\n") {
				line := 0
				if _, scan := fmt.Sscanf(s, "f:%d:", &line); (scan != nil || line < 1 || line > lines+1) && !strings.HasSuffix(s, "more errors") {
					t.Fatalf("%s: a bad position of %d lines: %q", kind, lines, s)
				}
			}
		}
	})
}
