package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/cli"
	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/tasks"
)

// These tests check the contract for every Spec. The file testdata/conformance.txtar in
// the task's folder says how to run the task:
//
//	done: ARGS      a run that succeeds
//	blocked: ARGS   a run that never ends by itself; optional
//	-- FILE --      files in $WORK before the run
//
// ARGS may use $WORK (an empty or prepared folder), $TCP (an address that
// accepts), $CLOSED (one that refuses), $HTTP (a URL that answers 200, or 503
// below /503), and $UID and $GID of the test.
type fixture struct {
	done, blocked []string
	files         []txtar.File
}

func readFixture(t *testing.T, spec tasks.Spec) fixture {
	t.Helper()
	folder := strings.ReplaceAll(spec.Name, "-", "")
	a, err := txtar.ParseFile(filepath.Join("..", "..", "tasks", folder, "testdata", "conformance.txtar"))
	if err != nil {
		t.Fatalf("every task needs a conformance fixture: %v", err)
	}
	f := fixture{files: a.Files}
	for line := range strings.Lines(string(a.Comment)) {
		key, args, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "done":
			f.done = strings.Fields(args)
		case "blocked":
			f.blocked = strings.Fields(args)
		}
	}
	if f.done == nil {
		t.Fatal(`the fixture has no "done:" line`)
	}
	return f
}

// world sets up the files and servers of a fixture. expand replaces the variables in
// its arguments.
func world(t *testing.T, f fixture) (expand func([]string) []string, work string) {
	t.Helper()
	work = t.TempDir()
	for _, file := range f.files {
		path := filepath.Join(work, file.Name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/503") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(web.Close)
	vars := strings.NewReplacer("$WORK", work, "$TCP", testnet.Open(t), "$CLOSED", testnet.Closed(t), "$HTTP", web.URL,
		"$UID", strconv.Itoa(os.Getuid()), "$GID", strconv.Itoa(os.Getgid()))
	return func(args []string) []string {
		out := make([]string, len(args))
		for i, a := range args {
			out[i] = vars.Replace(a)
		}
		return out
	}, work
}

func configure(t *testing.T, spec tasks.Spec, args []string) tasks.Task {
	t.Helper()
	task, err := cli.Configure(spec, args)
	if err != nil {
		t.Fatalf("%s %v: %v", spec.Name, args, err)
	}
	return task
}

func newEnv(t *testing.T, dryRun bool) *tasks.Env {
	env, _ := newLoggedEnv(t, dryRun)
	return env
}

func newLoggedEnv(t *testing.T, dryRun bool) (*tasks.Env, *testlog.Buffer) {
	log := new(testlog.Buffer)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", log)
		}
	})
	return tasks.NewEnv(slog.New(slog.NewTextHandler(log, nil)), io.Discard, dryRun), log
}

func TestConformance(t *testing.T) {
	for _, spec := range specs {
		t.Run(spec.Name, func(t *testing.T) {
			f := readFixture(t, spec)
			t.Run("second run", func(t *testing.T) { testSecondRun(t, spec, f) })
			t.Run("dry run", func(t *testing.T) { testDryRun(t, spec, f) })
			t.Run("cancel", func(t *testing.T) { testCancel(t, spec, f) })
			t.Run("leaves nothing behind", func(t *testing.T) { testLeaks(t, spec, f) })
			t.Run("text", func(t *testing.T) { testText(t, spec) })
			t.Run("flags given twice", func(t *testing.T) { testTwice(t, spec) })
		})
	}
}

// A second run makes no change.
func testSecondRun(t *testing.T, spec tasks.Spec, f fixture) {
	expand, work := world(t, f)
	if err := configure(t, spec, expand(f.done)).Run(t.Context(), newEnv(t, false)); err != nil {
		t.Fatal(err)
	}
	before, env := tree(t, work), newEnv(t, false)
	if err := configure(t, spec, expand(f.done)).Run(t.Context(), env); err != nil {
		t.Fatal(err)
	}
	if n := env.Changes(); n != 0 {
		t.Errorf("the second run counts %d changes", n)
	}
	if after := tree(t, work); after != before {
		t.Errorf("the second run changed the tree from\n%s\nto\n%s", before, after)
	}
}

// A dry run changes nothing, and counts what the run then changes.
func testDryRun(t *testing.T, spec tasks.Spec, f fixture) {
	expand, work := world(t, f)
	before, dry, wet := tree(t, work), newEnv(t, true), newEnv(t, false)
	if err := configure(t, spec, expand(f.done)).Run(t.Context(), dry); err != nil {
		t.Fatal(err)
	}
	if after := tree(t, work); after != before {
		t.Errorf("the dry run changed the tree from\n%s\nto\n%s", before, after)
	}
	if err := configure(t, spec, expand(f.done)).Run(t.Context(), wet); err != nil {
		t.Fatal(err)
	}
	if dry.Changes() != wet.Changes() {
		t.Errorf("the dry run counts %d changes, the run %d", dry.Changes(), wet.Changes())
	}
}

// Help, README and schema derive from these texts.
func testText(t *testing.T, spec tasks.Spec) {
	synopsis, _, _ := strings.Cut(spec.Doc, "\n")
	if synopsis == "" || strings.HasSuffix(synopsis, ".") || len(synopsis) > 80 {
		t.Errorf("the synopsis must be one short line without a full stop: %q", synopsis)
	}
	if !slices.Contains(tasks.Groups(), spec.Group) {
		t.Errorf("the group %q is none of %q", spec.Group, tasks.Groups())
	}
	if spec.Timeout <= 0 {
		t.Error("no task is without a deadline")
	}
	fs := pflag.NewFlagSet(spec.Name, pflag.ContinueOnError)
	spec.New().Flags(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		if f.Usage == "" {
			t.Errorf("--%s has no usage text", f.Name)
		}
	})
	for _, name := range strings.Fields(spec.Args) {
		if fs.Lookup(strings.TrimSuffix(name, "...")) == nil {
			t.Errorf("Args names no flag: %q", name)
		}
	}
	if f := fs.Lookup(spec.Rest); spec.Rest != "" && (f == nil || f.Value.Type() != "stringArray") {
		t.Errorf("Rest names no flag that is a StringArray: %q", spec.Rest)
	}
	if len(spec.Examples) == 0 {
		t.Error("no examples")
	}
	for _, e := range spec.Examples {
		words := shellWords(t, e.Command)
		if len(words) < 2 || words[0] != "initbox" || words[1] != spec.Name || e.Doc == "" {
			t.Errorf("the example is not of this task: %q", e.Command)
			continue
		}
		if _, err := cli.Configure(spec, words[2:]); err != nil {
			t.Errorf("%s: %v", e.Command, err)
		}
	}
}

// A flag that takes one value refuses a second one; a list takes any number.
func testTwice(t *testing.T, spec tasks.Spec) {
	fs := pflag.NewFlagSet(spec.Name, pflag.ContinueOnError)
	spec.New().Flags(fs)
	common{}.Flags(fs)
	fs.VisitAll(func(f *pflag.Flag) {
		value := "1"
		if f.DefValue != "" && f.DefValue != "[]" {
			value = f.DefValue
		} else if v, ok := f.Value.(interface{ Values() []string }); ok {
			value = v.Values()[0]
		}
		arg := "--" + f.Name + "=" + value
		_, err := cli.Configure(spec, []string{arg, arg})
		refused := err != nil && strings.HasPrefix(err.Error(), "--"+f.Name+" is given twice") && tasks.KindOf(err) == tasks.Usage
		if _, list := f.Value.(pflag.SliceValue); list == refused {
			t.Errorf("%s %s: got %v, which is right only for a flag of the other kind", arg, arg, err)
		}
	})
}

// shellWords splits a command line that uses nothing but blanks and single quotes.
func shellWords(t *testing.T, line string) []string {
	t.Helper()
	if strings.ContainsAny(line, "\"\\`|;&<>\n") {
		t.Errorf("the example uses more of the shell than single quotes: %q", line)
	}
	var words []string
	quoted, open := false, false // within quotes; within a word
	for _, c := range line {
		switch {
		case c == '\'':
			quoted = !quoted
		case c == ' ' && !quoted:
			open = false
			continue
		}
		if !open {
			words, open = append(words, ""), true
		}
		if c != '\'' {
			words[len(words)-1] += string(c)
		}
	}
	return words
}

// Every variable belongs to one flag of one task.
func TestVariablesAreUnique(t *testing.T) {
	owner := make(map[string]string)
	shared := make(map[string]string)
	for _, spec := range append(slices.Clone(specs), tasks.Spec{Name: "", New: func() tasks.Task { return common{} }}) {
		fs := pflag.NewFlagSet(spec.Name, pflag.ContinueOnError)
		spec.New().Flags(fs)
		fs.VisitAll(func(f *pflag.Flag) {
			name := strings.ToUpper(strings.ReplaceAll(strings.TrimPrefix(spec.Name+"-"+f.Name, "-"), "-", "_"))
			if other, ok := owner[name]; ok {
				t.Errorf("INITBOX_%s belongs to %s and to %s --%s", name, other, spec.Name, f.Name)
			}
			owner[name] = spec.Name + " --" + f.Name
			if spec.Name == "" {
				shared[f.Name] = f.Name
			}
		})
	}
	for _, spec := range specs {
		fs := pflag.NewFlagSet(spec.Name, pflag.ContinueOnError)
		spec.New().Flags(fs)
		for name := range shared {
			if fs.Lookup(name) != nil {
				t.Errorf("%s has a flag --%s of its own, which every task has", spec.Name, name)
			}
		}
	}
}

// common stands for the flags that every task has.
type common struct{ tasks.Task }

func (common) Flags(fs *pflag.FlagSet) {
	for name, value := range map[string]string{"timeout": "1m", "dry-run": "true", "termination-log": "x", "log-format": "json", "log-level": "error"} {
		fs.String(name, value, "")
	}
}

// tree describes every file below dir: name, mode, owner, content, and when it
// was last changed.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		fmt.Fprintf(&b, "%s %v %+v", name, info.Mode(), ownerAndChange(info))
		switch {
		case info.Mode().IsRegular():
			data, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " %x", sha256.Sum256(data))
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, " -> %s", target)
		}
		b.WriteByte('\n')
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func ownerAndChange(info fs.FileInfo) string {
	s := info.Sys().(*syscall.Stat_t)
	return fmt.Sprintf("%d:%d %d.%d", s.Uid, s.Gid, s.Ctim.Sec, s.Ctim.Nsec)
}
