package render

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/spf13/pflag"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		o    Options
		want string // "" for none
	}{
		{Options{}, ""},
		{Options{Mode: None}, ""},
		{Options{Mode: Env, Vars: []string{"A", "_b1"}, VarsPrefix: "APP_", VarsFiles: []string{"f"}, VarsDirs: []string{"d"}, MaxSize: 1}, ""},
		{Options{Mode: Template, Vars: []string{"tls.crt"}, VarsPrefix: "tls."}, ""},
		{Options{Mode: "jinja"}, `--render "jinja": it must be none, env or template`},
		{Options{Vars: []string{"A"}}, "--vars, --vars-prefix, --vars-file and --vars-dir have no effect without --render"},
		{Options{Mode: Env, Vars: []string{"$A"}}, `--vars "$A" is not a name`},
		{Options{Mode: Env, Vars: []string{""}}, `--vars "" is not a name`},
		{Options{Mode: Template, Vars: []string{" "}}, `--vars " " is not a name`},
		{Options{Mode: Env, VarsPrefix: "1"}, `--vars-prefix "1" does not begin a name`},
		{Options{Mode: Env, VarsFiles: []string{""}}, "--vars-file is empty"},
		{Options{Mode: Env, VarsDirs: []string{""}}, "--vars-dir is empty"},
		{Options{Mode: Env, MaxSize: -1}, "the size limit"},
	} {
		got := ""
		if err := c.o.Check(); err != nil {
			got = err.Error()
		}
		if (c.want == "") != (got == "") || !strings.HasPrefix(got, c.want) {
			t.Errorf("%+v: got %q, want %q", c.o, got, c.want)
		}
	}
	err := Options{Mode: "x", Vars: []string{""}, VarsFiles: []string{""}, MaxSize: -1}.Check()
	if n := strings.Count(err.Error(), "\n"); n != 3 {
		t.Errorf("%d errors at once, want 4: %v", n+1, err)
	}
}

func TestFlags(t *testing.T) {
	var o Options
	fs := pflag.NewFlagSet("", pflag.ContinueOnError)
	o.Flags(fs)
	args := strings.Fields("--render=env --vars=A,B --vars C --vars-prefix APP_ --vars-file a,b --vars-file c --vars-dir d")
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	want := Options{Mode: Env, Vars: []string{"A", "B", "C"}, VarsPrefix: "APP_", VarsFiles: []string{"a,b", "c"}, VarsDirs: []string{"d"}}
	if fmt.Sprint(o) != fmt.Sprint(want) {
		t.Errorf("got %+v, want %+v", o, want)
	}
}

func TestConcurrent(t *testing.T) {
	for mode, text := range map[string]string{Env: "${A}", Template: "{{.A}}"} {
		r := renderer(t, Options{Mode: mode})
		var group sync.WaitGroup
		for i := range 16 {
			group.Go(func() {
				in := strings.Repeat(text, 100) + fmt.Sprint(i)
				out, err := r.Render(t.Context(), "f", []byte(in))
				if want := strings.Repeat("alpha", 100) + fmt.Sprint(i); err != nil || string(out) != want {
					t.Errorf("%s: got %q, %v", mode, out, err)
				}
			})
		}
		group.Wait()
	}
}

func TestDone(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, mode := range []string{None, Env, Template} {
		if _, err := renderer(t, Options{Mode: mode}).Render(ctx, "f", nil); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v", mode, err)
		}
	}
}

// TestBinary passes every byte through, whatever else the file holds.
func TestBinary(t *testing.T) {
	data := make([]byte, 0, 1<<10)
	for i := range 256 {
		data = append(data, "${A}{{.A}}"...)
		data = append(data, byte(i))
	}
	for _, mode := range []string{Env, Template} {
		out, err := renderer(t, Options{Mode: mode, MaxSize: 10}).Render(t.Context(), "f", data)
		if err != nil || !bytes.Equal(out, data) {
			t.Errorf("%s: changed, or %v", mode, err)
		}
	}
}
