package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/tasks"
)

// A toy is a task that takes a command.
type toy struct {
	Flag    string
	Lock    string
	Command []string
	ran     *[]toy
}

func (t *toy) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&t.Flag, "flag", "", "a word")
	fs.StringVar(&t.Lock, "lock", "", "another word")
	fs.StringArrayVar(&t.Command, "command", nil, "the `word`s of a command; repeatable")
}
func (t *toy) Check() error { return nil }
func (t *toy) Run(context.Context, *tasks.Env) error {
	*t.ran = append(*t.ran, *t)
	return nil
}

// runToy runs a command line of an App that has the tasks toy, locked-toy, which has a
// positional argument as well, and test-task. It returns the toys that ran.
func runToy(t *testing.T, code int, args ...string) (ran []toy, output string) {
	t.Helper()
	newToy := func() tasks.Task { return &toy{ran: &ran} }
	app := &App{Specs: []tasks.Spec{
		{Name: "toy", Group: "application", Doc: "play", Rest: "command", Timeout: time.Minute, New: newToy},
		{Name: "locked-toy", Group: "application", Doc: "play alone", Args: "lock", Rest: "command", Timeout: time.Minute, New: newToy},
		testSpec(new(testTask)),
	}}
	var out bytes.Buffer
	p := &Process{Args: args, Env: []string{"INITBOX_TERMINATION_LOG=" + filepath.Join(t.TempDir(), "none")}, Stdout: &out, Stderr: &out}
	if got := app.Main(p); got != code {
		t.Errorf("%q: exit code %d, want %d\n%s", args, got, code, &out)
	}
	return ran, out.String()
}

// The words after "--" arrive unchanged, whatever they look like.
func TestRest(t *testing.T) {
	plan := func(steps string) []string {
		path := filepath.Join(t.TempDir(), "plan.yaml")
		if err := os.WriteFile(path, []byte("steps:\n"+steps), 0o600); err != nil {
			t.Fatal(err)
		}
		return []string{"run", "-f", path}
	}
	whole := []string{"cmd", "--its-flag", "--", "y"}
	for _, c := range []struct {
		args    []string
		flag    string
		lock    string
		command []string
	}{
		{[]string{"toy", "--flag", "x", "--", "cmd", "--its-flag", "--", "y"}, "x", "", whole},
		{[]string{"toy", "--", "--flag", "x", "-h", ""}, "", "", []string{"--flag", "x", "-h", ""}},
		{[]string{"toy", "--", "a,b", "c\nd"}, "", "", []string{"a,b", "c\nd"}},
		{[]string{"toy", "--command=a", "--command=--", "--command=b"}, "", "", []string{"a", "--", "b"}},
		{[]string{"toy", "--"}, "", "", nil},
		{[]string{"toy"}, "", "", nil},
		{[]string{"locked-toy", "l", "--", "a"}, "", "l", []string{"a"}},
		{plan("- toy: {flag: x, command: [cmd, --its-flag, --, y]}\n"), "x", "", whole},
		{plan("- toy: {command: a}\n"), "", "", []string{"a"}},
		{plan("- toy: [a, --b]\n"), "", "", []string{"a", "--b"}},
		{plan("- locked-toy: l\n"), "", "l", nil},
		// In a run the toy is the last step: what follows is its command.
		{[]string{"run", "--", "test-task", "a", "--", "toy", "--flag", "x", "--", "cmd", "--its-flag", "--", "y"}, "x", "", whole},
		{[]string{"run", "--", "toy", "--command", "a"}, "", "", []string{"a"}},
	} {
		ran, _ := runToy(t, 0, c.args...)
		if len(ran) != 1 || ran[0].Flag != c.flag || ran[0].Lock != c.lock || !slices.Equal(ran[0].Command, c.command) {
			t.Errorf("%q: got %+v, want the flag %q, the lock %q and the command %q", c.args, ran, c.flag, c.lock, c.command)
		}
	}
}

func TestRestMisplaced(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"toy cmd --its-flag", `unknown flag --its-flag: if it belongs to a command, put "--" before the command (initbox toy -- cmd ...)`},
		{"toy cmd x", `unexpected argument "cmd": put "--" before the command (initbox toy -- cmd x)`},
		{"toy cmd -- x", `unexpected argument "cmd": put "--" before the command (initbox toy -- cmd)`},
		{"locked-toy l cmd -- x", `unexpected argument "cmd"`},
		{"toy --bogus -- cmd --log-format=json", "unknown flag --bogus: see initbox help toy\n"}, // the format is the command's
		{"run -- toy -- toy -- test-task --count x", "step done"},
	} {
		code := 2
		if strings.HasPrefix(c.args, "run") {
			code = 0
		}
		if _, out := runToy(t, code, strings.Fields(c.args)...); !strings.Contains(out, c.want) {
			t.Errorf("%s: got\n%s\nwant %q", c.args, out, c.want)
		}
	}
}

func TestRestInHelp(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"help toy", "\nUsage: initbox toy [flags] [-- COMMAND...]\n"},
		{"help locked-toy", "\nUsage: initbox locked-toy [flags] LOCK [-- COMMAND...]\n"},
		{"reference toy", "\n`initbox toy [flags] [-- COMMAND...]`\n"},
		{"reference --format=json-schema", `"command": {
                    "anyOf": [
                      {
                        "type": [
                          "string",
                          "number"
                        ]
                      },
                      {
                        "items": {`},
	} {
		if _, out := runToy(t, 0, strings.Fields(c.args)...); !strings.Contains(out, c.want) {
			t.Errorf("%s: got\n%s\nwant %q", c.args, out, c.want)
		}
	}
}
