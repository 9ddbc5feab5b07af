package main

import (
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/cli"
)

// The answers to unknown tasks name only tasks and flags that exist.
func TestInsteads(t *testing.T) {
	flags := make(map[string]*pflag.FlagSet) // of each task
	for _, spec := range specs {
		fs := pflag.NewFlagSet(spec.Name, pflag.ContinueOnError)
		spec.New().Flags(fs)
		common{}.Flags(fs)
		flags[spec.Name] = fs
	}
	flags["run"] = pflag.NewFlagSet("run", pflag.ContinueOnError)
	common{}.Flags(flags["run"])

	var seen []string
	for _, i := range cli.Insteads() {
		for _, name := range strings.Fields(i.Of) {
			if slices.Contains(seen, name) || flags[name] != nil && name != "run" {
				t.Errorf("%s: it is answered already, or is a task", name)
			}
			seen = append(seen, name)
		}
		known := pflag.NewFlagSet("", pflag.ContinueOnError)
		for _, task := range strings.Fields(i.Task) {
			if flags[task] == nil {
				t.Errorf("%s: there is no task %q", i.Of, task)
				continue
			}
			known.AddFlagSet(flags[task])
		}
		if i.Task == "" {
			common{}.Flags(known)
		}
		for _, flag := range regexp.MustCompile(`--([a-z-]+)`).FindAllStringSubmatch(i.Advice, -1) {
			if known.Lookup(flag[1]) == nil {
				t.Errorf("%s: %q has no flag %s", i.Of, i.Task, flag[0])
			}
		}
	}
	for _, name := range seen {
		var out strings.Builder
		p := &cli.Process{Args: []string{"help", name}, Env: []string{"INITBOX_TERMINATION_LOG=/nonexistent"}, Stdout: io.Discard, Stderr: &out}
		code := (&cli.App{Specs: specs}).Main(p)
		if name != "run" && (code != 2 || !strings.Contains(out.String(), `unknown task "`+name+`": `) || strings.Contains(out.String(), "did you mean")) {
			t.Errorf("help %s: exit code %d\n%s", name, code, &out)
		}
	}
}
