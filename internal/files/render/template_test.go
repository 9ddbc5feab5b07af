package render

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/initbox/initbox/internal/testkit/testtime"
)

func TestTemplate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "cert")
	if err := os.WriteFile(path, []byte("line 1\nline 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := renderer(t, Options{Mode: Template, Hostname: "web-12.web.default"})
	for _, c := range [][2]string{
		{"", ""},
		{"plain $HOST ${A}\r\n", "plain $HOST ${A}\r\n"},
		{"caf\xe9 {{.A}}", "caf\xe9 alpha"},
		{"{{.A}}\x00", "{{.A}}\x00"},
		{"{{.A}} {{env `A`}} {{env `NOPE`}}|{{.EMPTY}}|", "alpha alpha ||"},
		{"{{env `tls.crt`}} {{index . `tls.crt`}}", "PEM PEM"},
		{"{{env `NOPE` | default `d`}} {{.EMPTY | default `d`}} {{.A | default `d`}}", "d d alpha"},
		{"{{.A | required `set A`}}", "alpha"},
		{"{{if env `NOPE`}}yes{{else}}no{{end}}", "no"},
		{"{{with .A}}{{.}}{{end}}", "alpha"},
		{"{{file `" + path + "` | trim | indent 2}}", "  line 1\n  line 2"},
		{"{{quote .A}} {{quote 5}} {{quote true}}", `"alpha" "5" "true"`},
		{"{{quote `a\"b\\<&>`}} {{quote \"tab\\t\\x7f\\n\"}}", `"a\"b\\<&>" "tab\t\u007f\n"`},
		{"{{split `,` .LIST | toJson}} {{toJson .A}} {{toJson 1.5}} {{toJson true}} {{toJson (split `,` .EMPTY)}}", `["a","b","c"] "alpha" 1.5 true []`},
		{"{{split `,` .LIST | toYaml}}", "- \"a\"\n- \"b\"\n- \"c\""},
		{"{{toYaml .A}} {{toYaml 3}} {{toYaml (split `,` ``)}}", `"alpha" 3 []`},
		{"{{b64enc .A}} {{b64enc .A | b64dec}} {{b64dec \"YWxw\\naGE=\\n\"}}", "YWxwaGE= alpha alpha"},
		{"{{urlquery `a b&c`}}", "a+b%26c"},
		{"{{sha256 ``}}", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{"{{split `,` .LIST | join ` + `}} {{len (split `,` .EMPTY)}}", "a + b + c 0"},
		{"{{range $i, $x := split `,` .LIST}}{{$i}}{{$x}}{{else}}none{{end}}", "0a1b2c"},
		{"{{range 3}}x{{break}}{{end}}{{range 4}}{{continue}}{{end}}", "x"},
		{"{{range split `,` .EMPTY}}x{{else}}none{{end}}", "none"},
		{"{{range $k, $v := .}}{{if eq $k `A`}}{{$v}}{{end}}{{end}}", "alpha"},
		{"[{{trim ` x\n`}}]", "[x]"},
		{"{{ordinal}} {{if eq ordinal 12}}last{{end}}", "12 last"},
		{"{{printf `%s:%03d` .A 7}} {{print .A 1}} {{println}}", "alpha:007 alpha1 \n"},
		{"{{define `x`}}<{{.A}}>{{end}}{{template `x` .}}{{template `x` .}}", "<alpha><alpha>"},
		{"{{- /* no */ -}}\n{{block `b` .A}}{{.}}{{end}}", "alpha"},
	} {
		if got := render(t, r, c[0]); got != c[1] {
			t.Errorf("%q:\ngot  %q\nwant %q", c[0], got, c[1])
		}
	}
}

// What is wrong with a template and how its error begins; "|" parts what it may be.
var templateErrors = [][2]string{
	{"\n\n{{.NOPE}}", `f:3: the variable NOPE is not set: set it, or write {{env "NOPE" | default "…"}}`},
	{"{{.NOPE | default `x`}}", "f:1: the variable NOPE is not set"},
	{"a\n{{.A", "f:2: unclosed action"},
	{"{{nope}}", `f:1: function "nope" not defined`},
	{"{{if}}", "f:1: missing value for if"},
	{"{{required \"set\nB\" .EMPTY}}", "f:1: unterminated"},
	{"\n{{required `set B: ` .EMPTY}}", "f:2: set B: "},
	{"{{range .SECRET}}{{end}}", `f:1: in ".SECRET": range needs a list or a number (as of split)`},
	{"{{range $i, $x := len .SECRET}}{{end}}", `f:1: in ".SECRET": range over a number gives one variable, not two`},
	{"{{eq (split `,` .SECRET) (split `,` .SECRET)}}", "f:1: in \"eq (split `,` .SECRET) (split `,` .SECRET)\": error calling eq: non-comparable types: only nil can be compared with a list or map"},
	{"{{ne (split `,` .SECRET) (split `,` .SECRET)}}", "f:1: in \"ne (split `,` .SECRET) (split `,` .SECRET)\": error calling ne: non-comparable types: "},
	{"{{eq . .}}", "f:1: in \"eq . .\": error calling eq: non-comparable types: "},
	{"{{eq (split `,` .SECRET) .}}", "f:1: in \"eq (split `,` .SECRET) .\": error calling eq: non-comparable types: "},
	{"{{call .SECRET}}", "f:1: there is nothing to call"},
	{"{{eq (split `,` .SECRET) 1}}", "f:1: "},
	{"{{lt .SECRET 1}}", "f:1: "},
	{"{{.SECRET.x}}", `f:1: in ".SECRET.x": can't evaluate field x in type string`},
	{"{{slice .SECRET 99}}", "f:1: in \"slice .SECRET 99\": error calling slice: index out of range: 99"},
	{"{{sha256 1}}", "f:1: in \"1\": expected string"},
	{"{{trim ordinal}}", "f:1: ordinal: the host name \"web\" does not end"},
	{"{{b64dec .SECRET}}", "f:1: b64dec: the text is not base64"},
	{"{{quote (split `,` .A)}}", "f:1: quote needs text or a number"},
	{"{{quote (b64dec `/w==`)}}", "f:1: the value is not UTF-8"},
	{"{{toJson 'x'}}{{toYaml 1i}}", "f:1: a value of type complex128"},
	{"{{define `x`}}{{.A}}{{end}}\n{{template `x`}}", "f:1: in \".A\": nil data; no entry for key \"A\""},
	{"{{template `y`}}", "f:1: in \"{{template \\\"y\\\"}}\": template \"y\" not defined"},
	{"{{file `relative`}}", "f:1: file \"relative\": the path must be absolute"},
	{"{{file `$DIR/nope`}}", "f:1: file \"$DIR/nope\": there is no such file or directory"},
	{"{{file `$DIR`}}", "f:1: file \"$DIR\": it is a directory"},
	{"{{file `$DIR/fifo`}}", "f:1: file \"$DIR/fifo\": it is not a regular file"},
	{"{{file `$DIR/big`}}", "f:1: file \"$DIR/big\": it is larger than 2000 bytes"},
	// Bounds.
	{"{{range 1000000}}x{{end}}", "f:1: the file becomes larger than 2000 bytes"},
	{"\n{{range 900}}\nxyz{{end}}", "f:2: the file becomes larger than 2000 bytes"},
	{"\n{{range 9}}\n\n{{printf `%900d` 1}}{{end}}", "f:4: the file becomes larger than 2000 bytes"},
	{"{{define `a`}}{{template `a`}}{{end}}\n{{template `a`}}", "f:1: templates call each other more than 100 deep"},
	{"{{define `a`}}{{range 9}}{{template `a`}}{{end}}{{end}}\n{{template `a`}}", "f:1: templates call each other more than 100 deep"},
	{strings.Repeat("{{range 1}}", 101) + "{{.SECRET}}" + strings.Repeat("{{end}}", 101), "f:1: templates call each other more than 100 deep"},
	{"{{$x := .A}}{{range 64}}{{$x = print $x $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := `\\`}}{{range 64}}{{$x = js $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := `<`}}{{range 64}}{{$x = html $x $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := `a`}}{{range 64}}{{$x = printf `%[1]s%[1]s` $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := `a`}}{{range 64}}{{$x = split `` $x | join $x}}{{$x = print $x $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := .A}}{{range 64}}{{$x = quote $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := .A}}{{range 64}}{{$x = toJson (split `` $x)}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := .A}}{{range 64}}{{$x = b64enc $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := .A}}{{range 64}}{{$x = urlquery $x}}{{end}}{{$x}}", "f:1: the file becomes larger|alpha"},
	{"{{indent 1001 .A}}{{indent -1 .A}}", "f:1: indent: the number must be from 0 to 1000"},
	{"{{printf `%1000000d` 1}}", "f:1: printf: a number in the format is larger than 1000"},
	{"{{printf `%.99999999999999999999f` 1.0}}", "f:1: printf: a number"},
	{"{{printf `%*d` 1000000 1}}", "f:1: printf: write the width as a number"},
}

func TestTemplateErrors(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "big"), make([]byte, 2001), 0o600); err != nil {
		t.Fatal(err)
	}
	r := renderer(t, Options{Mode: Template, Hostname: "web", MaxSize: 2000})
	for _, c := range templateErrors {
		text := strings.ReplaceAll(c[0], "$DIR", dir)
		got := render(t, r, text)
		ok := false
		for want := range strings.SplitSeq(strings.ReplaceAll(c[1], "$DIR", dir), "|") {
			ok = ok || strings.HasPrefix(strings.TrimPrefix(got, "error: "), want)
		}
		if !ok {
			t.Errorf("%.200q:\ngot  %.300q\nwant %q", text, got, c[1])
		}
	}
}

// doubling returns templates of which each calls the next one twice.
func doubling(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{{define `%d`}}{{template `%d`}}{{template `%d`}}{{end}}", i, i+1, i+1)
	}
	fmt.Fprintf(&b, "{{define `%d`}}{{end}}{{template `0`}}", n)
	return b.String()
}

func TestOrdinal(t *testing.T) {
	for host, want := range map[string]string{"web-0": "0", "a-b-17": "17", "web-3.svc.local": "3", "web": "", "web-": "", "3": "", "web-x": "", "web-99999999999": "", "web-1.2-x": "1"} {
		got := render(t, renderer(t, Options{Mode: Template, Hostname: host}), "{{ordinal}}")
		if want == "" && !strings.HasPrefix(got, "error: ") || want != "" && got != want {
			t.Errorf("%s: got %q, want %q", host, got, want)
		}
	}
}

// TestYAML reads back what toYaml and quote write.
func TestYAML(t *testing.T) {
	values := map[string]string{"plain": "x", "no": "no", "n": "1.10", "multi": "a\n  b\n", "odd": "\": #\t\x7f\u2028'{}", "empty": "", "a: b": "key"}
	r, err := New(t.Context(), Options{Mode: Template}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.vars = values
	out := render(t, r, "data:\n{{toYaml . | indent 2}}\nlist:\n{{split `x` `axb` | toYaml | indent 2}}\nq: {{quote .odd}}\n")
	var got struct {
		Data map[string]string
		List []string
		Q    string
	}
	if err := yaml.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v in\n%s", err, out)
	}
	for name, want := range values {
		if got.Data[name] != want {
			t.Errorf("%q: got %q, want %q", name, got.Data[name], want)
		}
	}
	if strings.Join(got.List, " ") != "a b" || got.Q != values["odd"] {
		t.Errorf("got %+v", got)
	}
}

// Templates that end by themselves, or with the context alone if there is no error.
var hostile = [][2]string{
	{"\n{{range 1000000000000}}{{end}}", ""},
	{"\n{{range 1000000000000}}{{continue}}{{end}}", ""},
	{"\n{{range 100000}}{{range 100000}}{{end}}{{end}}", ""},
	{"\n{{range 1000000000000}}{{with sha256 $.A}}{{else}}x{{end}}{{end}}", ""},
	{"\n" + doubling(90), ""},
	{"{{define `a`}}{{template `a`}}{{end}}{{template `a`}}", "f:1: templates call each other more than 100 deep"},
	{"{{define `a`}}{{range 9}}{{range 9}}{{template `a`}}{{end}}{{end}}{{end}}{{template `a`}}", "f:1: templates call each other more than 100 deep"},
	{strings.Repeat("{{range 1}}", 20000) + "{{.A.x}}" + strings.Repeat("{{end}}", 20000), "f:1: templates call each other more than 100 deep"},
	{strings.Repeat("{{if 1}}", 20000) + "{{.x}}" + strings.Repeat("{{end}}", 20000), "f:1: the variable x is not set"},
	{"{{range 1000000000000}}{{printf `%1000d` 1}}{{end}}", "f:1: the file becomes larger than 1048576 bytes"},
	{"{{printf `%1000000000d` 1}}", "f:1: printf: a number in the format is larger than 1000"},
	{"{{printf `" + strings.Repeat("%[1]1000d", 100000) + "` 1}}", "f:1: the template does too much work"},
	{"{{$x := `a`}}{{range 64}}{{$x = print $x $x}}{{end}}", "f:1: the template does too much work"},
	{"{{$x := `a`}}{{range 20}}{{$x = print $x $x}}{{end}}{{print" + strings.Repeat(" $x", 300000) + "}}", "f:1: the template does too much work"},
	{"{{$x := `a`}}{{range 20}}{{$x = print $x $x}}{{end}}{{split `` $x | join $x}}", "f:1: the template does too much work"},
}

// TestHostileTemplate is about templates that would run, or grow, without end.
func TestHostileTemplate(t *testing.T) {
	r := renderer(t, Options{Mode: Template})
	for _, c := range hostile {
		timeout := testtime.Patience
		if c[1] == "" {
			timeout = 50 * time.Millisecond
			c[1] = "f:2: the template had not ended: context deadline exceeded"
		}
		debug.FreeOSMemory()
		before := memory()
		late := testtime.Best(100*time.Millisecond, func() time.Duration {
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			_, err := r.Render(ctx, "f", []byte(c[0]))
			deadline, _ := ctx.Deadline()
			late := time.Since(deadline)
			if err == nil || !strings.HasPrefix(err.Error(), c[1]) {
				t.Errorf("%.100q: got %.300v, want %s", c[0], err, c[1])
			}
			if late > 0 && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%.100q: the deadline is not in %v", c[0], err)
			}
			return late
		})
		if late > 100*time.Millisecond {
			t.Errorf("%.100q: it went on for %s", c[0], late)
		}
		if took := memory() - before; took > 128<<20 {
			t.Errorf("%.100q: it took %d MiB", c[0], took>>20)
		}
	}
}

// memory returns how many bytes the system gave to the process.
func memory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}

func FuzzTemplate(f *testing.F) {
	for _, s := range []string{"{{.A}}", "{{range $i, $x := split `,` .LIST}}{{$i}}{{else}}{{end}}", "{{define `a`}}{{template `a` .}}{{end}}{{template `a` .}}",
		"{{printf `%d%s` 1 .A | quote | toJson}}", "{{with env `x` | default 1}}{{.}}{{end}}", "{{range 100000}}{{break}}{{end}}",
		"{{toYaml .}}{{indent 3 (join `,` (split `` .A))}}", "{{b64dec .A}}{{eq .A 1}}{{index . `A`}}{{slice .A 1 2}}{{ordinal}}{{js `\\`}}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Contains(text, "file") {
			return // of the machine's files none may be named in a test
		}
		r := renderer(t, Options{Mode: Template, MaxSize: 4096, Hostname: "web-1"})
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		out, err := r.Render(ctx, "f", []byte(text))
		got, failed := string(out), err != nil
		switch {
		case failed && Binary([]byte(text)):
			t.Fatalf("%q cannot fail: %v", text, err)
		case failed && (!strings.HasPrefix(err.Error(), "f:") || strings.Contains(err.Error(), "hunter2") && !strings.Contains(text, "hunter2")):
			t.Fatalf("%q: no position, or a secret: %v", text, err)
		case !failed && len(got) > 4096 && !Binary([]byte(text)):
			t.Fatalf("%d bytes of output", len(got))
		case !failed && got != text && (Binary([]byte(text)) || !strings.Contains(text, "{{")):
			t.Fatalf("%q became %q", text, got)
		}
	})
}
