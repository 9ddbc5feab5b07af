package render

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

var environ = []string{"A=alpha", "EMPTY=", "REF=${A}", "APP_PORT=80", "_x1=low", "SECRET=hunter2", "N=1", "LIST=a,b,c", "tls.crt=PEM", "EMPTY_LIST="}

func renderer(t testing.TB, o Options) *Renderer {
	t.Helper()
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	r, err := New(t.Context(), o, environ)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// render returns the rendered text, or the error's.
func render(t testing.TB, r *Renderer, text string) string {
	t.Helper()
	out, err := r.Render(t.Context(), "f", []byte(text))
	if err == nil {
		return string(out)
	}
	if fault.KindOf(err) != fault.Usage {
		t.Errorf("%q: an error of kind %d, want Usage: %v", text, fault.KindOf(err), err)
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%q: the error holds a secret: %v", text, err)
	}
	return "error: " + err.Error()
}

func TestEnv(t *testing.T) {
	all := Options{Mode: Env}
	some := Options{Mode: Env, Vars: []string{"A", "NOPE"}}
	prefix := Options{Mode: Env, VarsPrefix: "APP_"}
	for _, c := range []struct {
		o        Options
		in, want string
	}{
		{all, "", ""},
		{all, "no variable", "no variable"},
		{all, "${A}", "alpha"},
		{all, "x${A}y${_x1}z\n", "xalphaylowz\n"},
		{all, "[${EMPTY}]", "[]"},
		{all, "${REF}", "${A}"}, // not recursive
		{all, "${A:-d}|${EMPTY:-d}|${NOPE:-d}|${NOPE:-}", "alpha|d|d|"},
		{all, "${NOPE:-a b:-c?d=e/f$}", "a b:-c?d=e/f$"},
		{all, "${A:?why}", "alpha"},
		{all, "${NOPE:-${A}}", "alpha"},
		{all, "${NOPE:-<${NOPE:-${EMPTY:-deep}}>}", "<deep>"},
		{all, "${A:-${NOPE}}|${A:-${NOPE:?never}}", "alpha|alpha"}, // not needed, not missed
		// What is no reference stays.
		{all, "$A $$ $1 ${1} ${} ${ A } ${!A} $ $", "$A $$ $1 ${1} ${} ${ A } ${!A} $ $"},
		{all, "proxy_set_header Host $host;", "proxy_set_header Host $host;"},
		{all, "replacement: ${1}:9100", "replacement: ${1}:9100"},
		{all, "pid $$ ^a$$", "pid $$ ^a$$"},
		{all, "caf\xe9 ${A}", "caf\xe9 alpha"},
		{all, "a\r\n${A}\r\n", "a\r\nalpha\r\n"},
		// The escape works directly before a reference only.
		{all, "$${A}", "${A}"},
		{all, "$$${A}", "$alpha"},
		{all, "$$$${A}", "$${A}"},
		{all, "$$$$${A}", "$$alpha"},
		{all, "$${A:-x}", "${A:-x}"},
		{all, "$$${1}", "$$${1}"},
		{all, "${NOPE:-$${A}}", "${A}"},
		{all, "${NOPE:-$$${A}$$}", "$alpha$$"},
		// With a choice, the rest stays byte for byte.
		{some, "${A} ${SECRET} $${SECRET} ${SECRET:-x} ${other.name} $$", "alpha ${SECRET} $${SECRET} ${SECRET:-x} ${other.name} $$"},
		{some, "${AA} ${a}", "${AA} ${a}"},
		{some, "${NOPE:-${SECRET}}", "${SECRET}"},
		{some, "${SECRET:-${A}}", "${SECRET:-alpha}"},
		{some, "${NOPE:-${SECRET:-${A}}}.", "${SECRET:-alpha}."},
		{prefix, "${APP_PORT} ${A} $host", "80 ${A} $host"},
		{prefix, "${APP_NOPE:-7}", "7"},
		{Options{Mode: Env, Vars: []string{"A"}, VarsPrefix: "APP_"}, "${A}${APP_PORT}${N}", "alpha80${N}"},
		// Binary data and no mode.
		{all, "${A}\x00", "${A}\x00"},
		{Options{Mode: None}, "${A}", "${A}"},
		{Options{}, "${NOPE}", "${NOPE}"},
	} {
		if got := render(t, renderer(t, c.o), c.in); got != c.want {
			t.Errorf("%+v %q:\ngot  %q\nwant %q", c.o, c.in, got, c.want)
		}
	}
}

func TestEnvErrors(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string // one a line
	}{
		{"${NOPE}", []string{"f:1: the variable NOPE is not set: set it, or write ${NOPE:-default}"}},
		{"${A}\n\n ${NOPE} ${NO2}\n${NO3}", []string{"f:3: the variable NOPE ", "f:3: the variable NO2 ", "f:4: the variable NO3 "}},
		{"${NOPE:?say the host}", []string{"f:1: the variable NOPE is not set or empty: say the host"}},
		{"${EMPTY:?}", []string{"f:1: the variable EMPTY is not set or empty: set it"}},
		{"${NOPE:?not ${SECRET}}", []string{"f:1: the variable NOPE is not set or empty: not ${SECRET}"}},
		{"${NOPE:-${NO2}}", []string{"f:1: the variable NO2 "}},
		{"\n${A\n}${NOPE}", []string{"f:2: ${A is not closed", "f:3: the variable NOPE"}},
		{"${A:-x\n}", []string{"f:1: ${A is not closed"}},
		{"${A:-x", []string{"f:1: ${A is not closed"}},
		{"${A:-${A}", []string{"f:1: ${A is not closed"}},
		{"${A:-${SECRET", []string{"f:1: ${SECRET is not closed"}},
		{"${A-x} ${NOPE}", []string{"f:1: ${A is followed by neither }, :- nor :?: "}},
		{"${A:+x}\n${A%x}\n${A.b}", []string{"f:1: ", "f:2: ", "f:3: "}},
		{`${A:-{"a":1}}`, []string{"f:1: the text for A holds a brace"}},
		{"${A:?{}}", []string{"f:1: the text for A holds a brace"}},
		{strings.Repeat("${A:-", 9) + strings.Repeat("}", 9), []string{"f:1: the text for A is more than 8 references deep"}},
	} {
		got := strings.Split(strings.TrimPrefix(render(t, renderer(t, Options{Mode: Env}), c.in), "error: "), "\n")
		if len(got) != len(c.want) {
			t.Errorf("%q: got %q, want %d errors", c.in, got, len(c.want))
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(got[i], want) {
				t.Errorf("%q:\ngot  %q\nwant %q", c.in, got[i], want)
			}
		}
	}
	got := render(t, renderer(t, Options{Mode: Env}), strings.Repeat("${NOPE}\n", 100))
	if lines := strings.Split(got, "\n"); len(lines) != maxProblems+1 || !strings.HasSuffix(got, "f: and 80 more errors") {
		t.Errorf("100 errors are reported in %d lines: %s", len(lines), got)
	}
}

func TestEnvSize(t *testing.T) {
	for _, c := range []struct {
		limit int64
		in    string
		ok    bool
	}{
		{10, "0123456789", true},
		{10, "0123456789a", false},
		{10, "${A}${A}", true},
		{10, "${A}${A}x", false},
		{10, "${A:-}${A}", true},
		{30, "${A:-${A}${A}${A}${A}${A}${A}}", true}, // not needed, not counted
		{9, "${N}${NOPE:-${A}${A}}", false},
		{0, strings.Repeat("x", DefaultMaxSize), true},
		{0, strings.Repeat("x", DefaultMaxSize+1), false},
		{10, "\x00${A}${A}${A}", true},
	} {
		got := render(t, renderer(t, Options{Mode: Env, MaxSize: c.limit}), c.in)
		if ok := !strings.Contains(got, "the limit of a rendered file"); ok != c.ok {
			t.Errorf("limit %d, %d bytes: %.200s", c.limit, len(c.in), got)
		}
	}
}

// TestEnvLinear renders a mebibyte of references on one line: what takes
// quadratic time takes minutes here.
func TestEnvLinear(t *testing.T) {
	for _, piece := range []string{"${N:-x}", "${NOPE:-$$}", "$${N}", "$", "${", "${1:-", "${A:-", "${N:-${N:-${N:-}}}"} {
		begin := time.Now()
		render(t, renderer(t, Options{Mode: Env}), strings.Repeat(piece, DefaultMaxSize/len(piece)))
		if took := time.Since(begin); took > testtime.Patience/2 {
			t.Errorf("%q: %s", piece, took)
		}
	}
}

func FuzzEnv(f *testing.F) {
	for _, s := range []string{"${A}", "$${A:-${B:?x}}", "${A:-${A:-$$${EMPTY}}}", "${SECRET}${other}", "${A:-{}}", "a\x00${A}", strings.Repeat("${A:-", 12)} {
		f.Add(s, "")
		f.Add(s, "A,SECRET")
	}
	f.Fuzz(func(t *testing.T, text, names string) {
		o := Options{Mode: Env, MaxSize: 4096}
		if names != "" {
			o.Vars = strings.Split(names, ",")
		}
		if o.Check() != nil {
			return
		}
		r := renderer(t, o)
		got := render(t, r, text)
		failed := strings.HasPrefix(got, "error: ")
		switch {
		case !failed && len(got) > 4096 && !Binary([]byte(text)):
			t.Fatalf("%d bytes of output", len(got))
		case failed && !strings.HasPrefix(got, "error: f:"):
			t.Fatalf("an error without file: %s", got)
		case failed && (Binary([]byte(text)) || len(text) <= 4096 && !strings.Contains(text, "${")):
			t.Fatalf("%q cannot fail: %s", text, got)
		case !failed && got != text && (Binary([]byte(text)) || !strings.Contains(text, "${")):
			t.Fatalf("%q became %q", text, got)
		case !failed && utf8.ValidString(text) && !utf8.ValidString(got):
			t.Fatalf("%q became invalid: %q", text, got)
		}
	})
}
