package render

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testvolume"
)

func write(t testing.TB, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestVarsFile(t *testing.T) {
	in := "\ufeff# comment\r\n\n  \nA=1\r\nexport B = two words # no comment\nexport\tC='  kept  '\nD=\"a\"b\"\nE=\nF=a=b=\"c\n" +
		"exported=x\nexport=y\nG=''\nA=3\nH=$A ${B} \\n\ntls.crt=k\nlast=no line end"
	want := map[string]string{"A": "3", "B": "two words # no comment", "C": "  kept  ", "D": `a"b`, "E": "", "F": `a=b="c`,
		"exported": "x", "export": "y", "G": "", "H": `$A ${B} \n`, "tls.crt": "k", "last": "no line end"}
	got := make(map[string]string)
	problems := parseVars(in, func(name, value string) { got[name] = value })
	if len(problems) > 0 || !maps.Equal(got, want) {
		t.Errorf("got %q with %v, want %q", got, problems, want)
	}
}

func TestVarsFileErrors(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "vars"), "A=1\nhunter2\n=hunter2\na b=hunter2\n\"A\"=hunter2\nP=\"hunter2\nP='\nN=\x00\nexport =x\n")
	_, err := New(t.Context(), Options{Mode: Env, VarsFiles: []string{path}}, nil)
	if fault.KindOf(err) != fault.Usage {
		t.Fatalf("got %v", err)
	}
	message := err.Error()
	for line := 2; line <= 9; line++ {
		if !strings.Contains(message, fmt.Sprintf("%s:%d: ", path, line)) {
			t.Errorf("line %d is not reported", line)
		}
	}
	if strings.Contains(message, "hunter2") || !strings.HasPrefix(message, "--vars-file "+path+":2: ") {
		t.Errorf("bad message: %s", message)
	}
}

func TestPrecedence(t *testing.T) {
	dir := t.TempDir()
	file1 := write(t, filepath.Join(dir, "1"), "A=file1\nB=file1\nC=file1\nD=file1\n")
	file2 := write(t, filepath.Join(dir, "2"), "B=file2\nC=file2\nD=file2\n")
	secrets, flat := filepath.Join(dir, "mount"), filepath.Join(dir, "flat")
	v := testvolume.Volume{Dir: secrets}
	if err := errors.Join(os.Mkdir(secrets, 0o700), v.Update(map[string]string{"C": "mount\n", "D": "mount", "M": "two\nlines\r\n", "sub/x": "no variable"})); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(flat, "D"), "flat\n\n")
	write(t, filepath.Join(flat, "..hidden"), "x")
	if err := os.Symlink("D", filepath.Join(flat, "LINK")); err != nil {
		t.Fatal(err)
	}
	o := Options{Mode: Env, VarsFiles: []string{file1, file2}, VarsDirs: []string{secrets, flat}}
	r, err := New(t.Context(), o, []string{"A=env", "E=env", "=C:=odd", "novalue"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"A": "file1", "B": "file2", "C": "mount", "D": "flat\n", "LINK": "flat\n", "E": "env", "M": "two\nlines"}
	if !maps.Equal(r.vars, want) {
		t.Errorf("got %q, want %q", r.vars, want)
	}
	o.Vars, o.VarsPrefix = []string{"A"}, "M"
	if r, err = New(t.Context(), o, nil); err != nil || !maps.Equal(r.vars, map[string]string{"A": "file1", "M": "two\nlines"}) {
		t.Errorf("got %q, %v", r.vars, err)
	}
}

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "d", "fifo")
	file := write(t, filepath.Join(dir, "d2", "big"), strings.Repeat("x", maxVars+1))
	outside := filepath.Join(dir, "d3", "link")
	write(t, filepath.Join(dir, "d3", "ok"), "x")
	write(t, filepath.Join(dir, "d4", "a"), strings.Repeat("x", maxVars))
	write(t, filepath.Join(dir, "d4", "b"), "x")
	err := errors.Join(os.Mkdir(filepath.Join(dir, "d"), 0o700), syscall.Mkfifo(fifo, 0o600), os.Symlink("../d2/big", outside))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{VarsFiles: []string{dir + "/nope"}}, "--vars-file " + dir + "/nope: there is no such file or directory"},
		{Options{VarsFiles: []string{dir}}, "--vars-file " + dir + ": it is a directory"},
		{Options{VarsFiles: []string{fifo}}, "--vars-file " + fifo + ": it is not a regular file"},
		{Options{VarsFiles: []string{file}}, "--vars-file " + file + ": it is larger than 4 MiB"},
		{Options{VarsDirs: []string{dir + "/nope"}}, "--vars-dir " + dir + "/nope: there is no such file or directory"},
		{Options{VarsDirs: []string{file}}, "--vars-dir " + file + ": it is not a directory"},
		{Options{VarsDirs: []string{dir + "/d"}}, "--vars-dir " + dir + "/d: fifo: it is not a regular file"},
		{Options{VarsDirs: []string{dir + "/d2"}}, "--vars-dir " + dir + "/d2: big: it is larger than 4 MiB"},
		{Options{VarsDirs: []string{dir + "/d4"}}, "--vars-dir " + dir + "/d4: its files have more than 4 MiB together"},
		{Options{VarsDirs: []string{dir + "/d3"}}, "--vars-dir " + dir + "/d3: link: the link leads outside of the source, or is absolute"},
	} {
		c.o.Mode = Env
		_, err := New(t.Context(), c.o, nil)
		if fault.KindOf(err) != fault.Usage || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("got  %v\nwant %s", err, c.want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := New(ctx, Options{Mode: Env, VarsDirs: []string{dir + "/d"}}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// TestSwap reads a Secret while it is replaced: all values are of one version.
func TestSwap(t *testing.T) {
	names := []string{"A", "B", "C", "D"}
	v, swaps := testvolume.Churn(t, func(n int) map[string]string {
		files := map[string]string{"file": fmt.Sprintf("FILE=%d", n)}
		for _, name := range names {
			files["dir/"+name] = fmt.Sprint(n)
		}
		return files
	})
	for reads := 0; swaps.Load() < 500 || reads < 100; reads++ {
		r, err := New(t.Context(), Options{Mode: Env, VarsFiles: []string{v.Dir + "/file"}, VarsDirs: []string{v.Dir + "/dir"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if r.vars[name] == "" || r.vars[name] != r.vars["FILE"] {
				t.Fatalf("a mix of versions: %q", r.vars)
			}
		}
	}
}

func FuzzVarsFile(f *testing.F) {
	f.Add("A=1\nexport B='x'\n# c\n\"q\"=\n")
	f.Add("A=\"\nB='a\" \n=\x00")
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.Count(text, "\n") + 1
		for _, fault := range parseVars(text, func(name, value string) {
			if name == "" || strings.ContainsAny(name, "=\n \"") || strings.ContainsAny(value, "\n\x00") || !strings.Contains(text, value) {
				t.Fatalf("bad variable %q=%q", name, value)
			}
		}) {
			if fault.line < 1 || fault.line > lines {
				t.Fatalf("a fault in line %d of %d", fault.line, lines)
			}
		}
	})
}
