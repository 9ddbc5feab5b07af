package gotemplate_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"text/template"

	. "github.com/initbox/initbox/internal/files/render/gotemplate"
)

var data = map[string]string{"A": "alpha", "B": "beta", "EMPTY": "", "LIST": "a,b,c", "N": "5"}

// errBudget ends an execution that the library, which has no bound, must not try.
var errBudget = errors.New("it takes too long")

// A budget bounds what one template may make its functions do.
type budget struct{ left int }

func (b *budget) spend(n int) error {
	if b.left -= n + 1; b.left < 0 {
		return errBudget
	}
	return nil
}

func (b *budget) step(depth int) error {
	if depth > 50 {
		return errBudget
	}
	return b.spend(10)
}

// functions returns the same functions for this package and for the library.
func (b *budget) functions() (map[string]Func, template.FuncMap) {
	env := func(name string) (string, error) { return data[name], b.spend(0) }
	split := func(sep, s string) ([]string, error) {
		if s == "" {
			return nil, nil
		}
		return strings.Split(s, sep), b.spend(20 * len(s))
	}
	join := func(sep string, list []string) (string, error) {
		s := strings.Join(list, sep)
		return s, b.spend(len(s))
	}
	indent := func(n int, s string) (string, error) {
		if n < 0 || n > 100 {
			return "", errors.New("the number must be from 0 to 100")
		}
		return strings.Repeat(" ", n) + s, b.spend(n + len(s))
	}
	orElse := func(fallback, value any) (any, error) {
		if truth, _ := template.IsTrue(value); truth {
			return value, nil
		}
		return fallback, nil
	}
	three := func() (int, error) { return 3, nil }
	fail := func() (string, error) { return "", errors.New("failed 100%") }
	ours := map[string]Func{"env": OneArg(env), "split": TwoArgs(split), "join": TwoArgs(join), "indent": TwoArgs(indent),
		"default": TwoArgs(orElse), "three": NoArgs(three), "fail": NoArgs(fail)}
	theirs := template.FuncMap{"env": env, "split": split, "join": join, "indent": indent, "default": orElse, "three": three, "fail": fail}
	for name, print := range map[string]func(...any) string{"print": fmt.Sprint, "println": fmt.Sprintln,
		"html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper} {
		f := func(args ...any) (string, error) {
			s := print(args...)
			return s, b.spend(len(s))
		}
		ours[name], theirs[name] = AnyArgs(f), f
	}
	printf := func(format string, args ...any) (string, error) {
		s := fmt.Sprintf(format, args...)
		return s, b.spend(len(s))
	}
	ours["printf"], theirs["printf"] = MoreArgs(printf), printf
	return ours, theirs
}

// A pair executes templates here and by the library.
type pair struct {
	budget
	ours    map[string]Func
	library *template.Template
}

func newPair() *pair {
	p := new(pair)
	ours, theirs := p.functions()
	p.ours, p.library = ours, template.New("file").Option("missingkey=error").Funcs(theirs)
	return p
}

// run executes text here, limited, and by the library if that was possible.
func (p *pair) run(text string) (got, want string, gotErr, wantErr error) {
	var out strings.Builder
	p.left = 100_000
	mine, gotErr := Parse("file", text, p.ours)
	if gotErr == nil {
		gotErr = mine.Execute(&out, data, p.step)
	}
	if errors.Is(gotErr, errBudget) {
		return "", "", gotErr, gotErr
	}
	got = out.String()
	out.Reset()
	p.left = 1 << 60
	library, wantErr := template.Must(p.library.Clone()).Parse(text)
	if wantErr == nil {
		wantErr = library.Execute(&out, data)
	}
	return got, out.String(), gotErr, wantErr
}

// reworded are the beginnings of messages that differ, because the library's hold
// data or tell of reflection: ours and theirs.
var reworded = [][2]string{
	{"range needs a list or a number (as of split), not a value of type ", "range can't iterate over "},
	{"range over a number gives one variable, not two", "can't use "},
	{"error calling len: len of untyped nil", "error calling len: reflect: call of reflect.Value.Type on zero Value"},
	{"error calling eq: non-comparable types: ", "error calling eq: non-comparable type"},
	{"error calling ne: non-comparable types: ", "error calling ne: non-comparable type"},
}

// agree reports whether two errors say the same of the same place.
func agree(got, want error) bool {
	if got == nil || want == nil || got.Error() == want.Error() {
		return (got == nil) == (want == nil)
	}
	e := (*Error)(nil)
	if !errors.As(got, &e) {
		return false
	}
	what := e.Err.Error()
	where := strings.TrimSuffix(got.Error(), what)
	for _, r := range reworded {
		if strings.HasPrefix(what, r[0]) && strings.HasPrefix(want.Error(), where+r[1]) {
			return true
		}
	}
	return false
}

func (p *pair) compare(t *testing.T, text string) {
	t.Helper()
	got, want, gotErr, wantErr := p.run(text)
	if got != want {
		t.Errorf("%q: the library prints another text\ngot  %q\nwant %q", text, got, want)
	}
	if !agree(gotErr, wantErr) {
		t.Errorf("%q: the library fails in another way\ngot  %v\nwant %v", text, gotErr, wantErr)
	}
}

// operands are one of each type, and what is next to nothing.
var operands = []string{"nil", "true", "false", "0", "1", "-1", "3", "'x'", "0x1e", "0x1p4", "1e3", "1e400", "0.0", "2.5", "1i", "0i", "9223372036854775808",
	"99999999999999999999", "``", "`a`", "`beta`", `"q\"<&>"`, ".", ".A", ".EMPTY", ".NOPE", ".A.x", "$", "$.B", "$.A.x", "three", "env", "(three)", "(env `A`)", "(env `NOPE`)",
	"(split `,` .LIST)", "(split `,` ``)", "(index `abc` 1)", "(index . `A`)", "(default nil nil)", "(slice .A 1 2)", "(.)", "(.).A", "(split `,` .A).x", "(nil)", "three.x", "fail"}

// TestOperands tries every function with every operand, and pairs of them.
func TestOperands(t *testing.T) {
	p := newPair()
	functions := []string{"and", "or", "not", "len", "index", "slice", "eq", "ne", "lt", "le", "gt", "ge", "print", "println", "printf", "html", "js", "urlquery",
		"env", "split", "join", "indent", "default", "three", "fail"}
	for i, a := range operands {
		for _, form := range []string{"{{%s}}", "{{%s | print}}", "{{if %s}}1{{else}}0{{end}}", "{{with %s}}{{.}}{{else}}0{{end}}", "{{range %s}}[{{.}}]{{else}}0{{end}}",
			"{{range $i, $x := %s}}[{{$i}}{{$x}}]{{end}}", "{{$x := %s}}{{$x}}{{$x | len}}", "{{%s 1}}", "{{1 | %s}}", "{{%s.A}}", "{{(%s).A}}", "{{template `t` %s}}{{define `t`}}<{{.}}{{$.A}}>{{end}}"} {
			p.compare(t, fmt.Sprintf(form, a))
		}
		for _, f := range functions {
			p.compare(t, fmt.Sprintf("{{%s %s}}", f, a))
			p.compare(t, fmt.Sprintf("{{%s | %s}}", a, f))
			for j, b := range operands {
				if testing.Short() && (i+j)%4 != 0 {
					continue
				}
				p.compare(t, fmt.Sprintf("{{%s %s %s}}", f, a, b))
			}
		}
	}
}

// statements are what the operands alone do not reach.
var statements = []string{
	"", "text", "{{/* c */}}x{{- /* c */ -}} y", "a\n {{- .A -}} \nb", "{{.A}", "{{", "{{}}", "{{nope}}", "{{.A | nope}}", "{{$x}}", "{{end}}", "{{if .A}}", "{{break}}", "{{range}}{{end}}",
	"{{if .EMPTY}}1{{else if .A}}2{{else}}3{{end}}", "{{with .EMPTY}}1{{else with .A}}{{.}}{{else}}3{{end}}",
	"{{range 3}}{{.}}{{end}}", "{{range 0}}x{{else}}none{{end}}", "{{range -1}}x{{else}}none{{end}}", "{{range $x := 3}}{{$x}}{{end}}", "{{range $i, $x := 3}}{{end}}",
	"{{range (index `\x03` 0)}}{{printf `%T` .}}{{end}}", "{{range $x := (index `\x03` 0)}}{{printf `%T` $x}}{{end}}", "{{range (index `\x00` 0)}}{{else}}e{{end}}",
	"{{range $k, $v := .}}{{$k}}={{$v}};{{end}}", "{{range .}}{{.}};{{end}}", "{{range $v := .}}{{$v}};{{end}}",
	"{{$x := 1}}{{range $x = split `,` $.LIST}}{{$x}}{{end}}{{$x}}", "{{$i := 1}}{{$x := 2}}{{range $i, $x = split `,` $.LIST}}{{$i}}{{$x}}{{end}}{{$i}}{{$x}}",
	"{{$x := 1}}{{range $x = 3}}{{$x}}{{end}}{{$x}}", "{{$i := 7}}{{$x := 1}}{{range $i, $x = 3}}{{end}}", "{{$i := 7}}{{$x := 1}}{{range $i, $x = .}}{{end}}{{$i}}{{$x}}",
	"{{range $i, $x := split `,` .LIST}}{{if eq $x `b`}}{{continue}}{{end}}{{$x}}{{end}}", "{{range $i, $x := split `,` .LIST}}{{if eq $x `b`}}{{break}}{{end}}{{$x}}{{else}}no{{end}}",
	"{{range 3}}{{$y := .}}{{if $y}}{{$z := 2}}{{continue}}{{end}}{{$y}}{{end}}", "{{range 2}}{{range 3}}{{if .}}{{break}}{{end}}x{{end}}{{end}}", "{{range 3}}{{with 1}}{{break}}{{end}}{{end}}y",
	"{{range 2}}{{range 0}}{{else}}{{break}}{{end}}z{{end}}", "{{range 3}}{{define `d`}}{{end}}{{end}}", "{{range 3}}{{$x := .}}{{end}}{{$x}}",
	"{{$x := .A}}{{if true}}{{$x = .B}}{{$x := 3}}{{$x}}{{end}}{{$x}}", "{{$x := 1}}{{with $x := 2}}{{$x}}{{end}}{{$x}}", "{{with $y := .A}}{{$y}}{{$.B}}{{end}}", "{{if $x := 0}}{{else}}{{$x}}{{end}}",
	"{{$x := .A | len}}{{$x}}", "{{$x := nil}}", "{{$a := 1}}{{$b := $a}}{{$a = 2}}{{$b}}", "{{$x.y}}", "{{$x = 1}}", "{{range $x, $x .A}}{{end}}", "{{range $x = 3}}{{end}}", "{{range $i, $x = .}}{{end}}", "{{$x := .}}{{$x.A}}{{$x.NOPE}}", "{{$x := `s`}}{{$x.y}}", "{{$x := .}}{{$x.A 1}}", "{{$x := 1}}{{$x 1}}{{1 | $x}}",
	"{{define `t`}}{{.}}{{$}}{{end}}{{template `t`}}{{template `t` 1}}{{template `t` .A}}", "{{template `nope`}}", "{{template `nope` .NOPE}}", "{{define `t`}}{{.x}}{{end}}\n\n{{template `t`}}", "{{define `t`}}\n{{fail}}{{end}}{{template `t`}}",
	"{{block `b` .A}}<{{.}}>{{end}}{{template `b` 2}}", "{{define `b`}}1{{end}}{{define `b`}}2{{end}}", "{{define `b`}} {{end}}{{define `b`}}2{{end}}{{template `b`}}", "{{define `b`}}2{{end}}{{define `b`}} {{end}}{{template `b`}}",
	"{{define `file`}}2{{end}}", "{{define `file`}}2{{end}}x", "{{define `t`}}{{$x}}{{end}}", "{{define `t`}}{{template `u` .}}{{end}}{{define `u`}}u{{.A}}{{end}}{{template `t` .}}", "{{define `100%`}}{{.NOPE}}{{end}}{{template `100%` .}}",
	"{{template `t` $x := 3}}{{define `t`}}{{end}}", "{{and 1 0 (fail)}}{{or 0 1 (fail)}}", "{{and 1 (fail)}}", "{{or 0 (fail)}}", "{{and}}", "{{or}}", "{{1 | and}}", "{{1 | and 0}}{{0 | or 1}}{{0 | or 0}}{{.A | and 1 2}}", "{{or nil nil}}{{and nil}}", "{{nil | or 1}}",
	"{{not 1 2}}", "{{len}}", "{{len .A .B}}", "{{eq 1}}", "{{eq}}", "{{eq .A `x` `alpha`}}", "{{eq .A 1 `alpha`}}", "{{eq .A `alpha` 1}}", "{{1 | eq 2 1}}", "{{ne 1 2 3}}", "{{lt 1}}", "{{eq nil nil}}", "{{eq (index `a` 0) 97 'a'}}", "{{lt (index `a` 0) 98}}{{gt 3 (index `a` 0)}}",
	"{{index (split `,` .LIST) 0 0}}", "{{index (split `,` .LIST) 3}}", "{{index (split `,` .LIST) 4}}", "{{index `abc` 3}}", "{{index . `A` 0}}", "{{index . `NOPE`}}", "{{index . 1}}", "{{index . nil}}", "{{index `abc` nil}}", "{{index `abc` `a`}}", "{{index 5 1}}", "{{index 5}}",
	"{{index (split `,` .LIST) (index `\x01` 0)}}", "{{slice .A}}{{slice .A 1}}{{slice .A 1 3}}", "{{slice .A 1 2 3}}", "{{slice .A 1 2 3 4}}", "{{slice .A 3 1}}", "{{slice .A 5}}{{slice .A 6}}", "{{slice (split `,` .LIST) 1 2 3}}", "{{slice (split `,` .LIST) 1 3 2}}", "{{slice (split `,` .LIST) 0 4}}",
	"{{slice (slice (split `,` .LIST) 0 1) 0 3}}", "{{slice (slice (split `,` .LIST) 0 1 1) 0 3}}", "{{slice . 1}}", "{{slice 1 1}}", "{{slice nil}}", "{{slice (split `,` ``) 0 0}}",
	"{{indent .A 1}}", "{{indent 2 .A}}", "{{indent 1.0 .A}}{{indent 1.5 .A}}", "{{indent true .A}}", "{{indent 'x' .A}}", "{{indent 101 .A}}", "{{.A | indent 1 | indent 1}}", "{{indent (index `\x01` 0) .A}}", "{{indent nil .A}}", "{{join `,` nil}}", "{{nil | join `,`}}", "{{join `,` `a`}}", "{{join `,` 1}}", "{{join `,` .A}}", "{{join 1 nil}}",
	"{{default nil nil}}", "{{default 1 nil}}{{default 1 (split `,` ``)}}{{default 1 0.0}}{{default 1 2i}}{{default 1 true}}", "{{(default . .EMPTY).A}}", "{{(default . .EMPTY).NOPE}}", "{{(default nil nil).x}}",
	"{{.A.B.C}}", "{{.NOPE.B}}", "{{.A 1}}", "{{1 | .A}}", "{{(.A)}}{{(.A | len)}}", "{{(.A) 1}}", "{{1 | (.A)}}", "{{.A | .B}}", "{{print (1) (print 2 (print 3))}}", "{{print .A .B 1 2 nil}}", "{{printf `%v %T %d` 1 'x' (index `a` 0)}}", "{{printf 1}}", "{{printf .A | printf}}", "{{html nil}}{{js nil}}{{urlquery nil}}",
	"{{println}}", "{{1i}}{{1.5}}{{1e3}}{{0x1F}}{{'a'}}{{0b11}}{{1_000}}{{0x1p-2}}{{-3}}{{+3}}", "{{`raw`}}{{\"esc\\t\"}}", "{{true}}{{false}}", "{{nil}}", "{{nil | print}}", "{{print nil}}", "{{.}}", "{{$}}", "{{split `,` .LIST}}", "{{.A}}\n{{.B}}\n{{.C}}", "{{fail | print}}", "{{print fail}}", "{{print (fail)}}", "{{three | print three}}", "{{three 1}}", "{{if fail}}{{end}}", "{{range fail}}{{end}}", "{{with fail}}{{end}}",
}

func TestStatements(t *testing.T) {
	p := newPair()
	for _, text := range statements {
		p.compare(t, text)
		p.compare(t, "x\n{{range 2}}{{with $}}"+text+"{{end}}{{end}}")
		p.compare(t, "{{define `outer`}}"+text+"{{end}}{{$x := 1}}{{template `outer` .}}")
	}
}

func FuzzAgainstLibrary(f *testing.F) {
	for _, text := range statements {
		f.Add(text)
	}
	for _, a := range operands {
		f.Add("{{print " + a + "}}{{range $i, $x := " + a + "}}{{$x | len}}{{end}}")
	}
	p := newPair()
	f.Fuzz(p.compare)
}

// TestStep holds that a template can be ended wherever it could go on for long.
func TestStep(t *testing.T) {
	for _, text := range []string{"{{range 1000000000}}{{end}}", "{{define `t`}}{{template `t`}}{{end}}{{template `t`}}", "{{range 1000000}}{{range $}}{{continue}}{{end}}{{end}}"} {
		if _, _, err, _ := newPair().run(text); !errors.Is(err, errBudget) {
			t.Errorf("%s: got %v", text, err)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errBudget }

func TestWriteError(t *testing.T) {
	for _, text := range []string{"a\nb", "\n{{.A}}"} {
		parsed, err := Parse("file", text, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := parsed.Execute(full{}, data, func(int) error { return nil }); !errors.Is(err, errBudget) {
			t.Errorf("%q: got %v", text, err)
		}
	}
}
