package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/initbox/initbox/tasks"
)

// flagWidth is where help text wraps.
const flagWidth = 100

// ownCommands are the commands that are no tasks.
var ownCommands = []string{"help", "version", "reference"}

func isHelp(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{"-h", "--help", "help"}, args[0])
}

func synopsis(s tasks.Spec) string {
	first, _, _ := strings.Cut(s.Doc, "\n")
	return first
}

// capital returns s with a capital letter in front.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// overview is the help of initbox itself.
func (a *App) overview() string {
	var b strings.Builder
	b.WriteString("initbox prepares a pod before its main containers start.\n\nUsage: initbox TASK [flags] [arguments]\n")
	for _, group := range tasks.Groups() {
		heading := "\n" + capital(group) + ":\n"
		for _, s := range a.AllSpecs(nil) {
			if s.Group == group {
				fmt.Fprintf(&b, "%s  %-12s %s\n", heading, s.Name, synopsis(s))
				heading = ""
			}
		}
	}
	b.WriteString(`
Other commands:
  help         help [TASK]: this text, or all about a task
  version      version, commit and Go version
  reference    reference --format=markdown|json-schema|json|helm [TASK]: the documentation, the schema of a
               run-file, the tasks as data, the templates of the Helm library chart

Every flag can also be set by a variable, INITBOX_<TASK>_<FLAG>; those that every task has also by
INITBOX_<FLAG>. The command line wins over the first, the first over the second.

`)
	b.WriteString(exitHelp())
	return b.String()
}

func exitHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes:\n")
	for _, e := range exitTable {
		fmt.Fprintf(&b, "  %-6s %s\n", e.code, e.meaning)
	}
	return b.String()
}

// helpText is all about one task.
func helpText(c *command) string {
	var b strings.Builder
	fmt.Fprintf(&b, "initbox %s: %s\n\n", c.spec.Name, c.spec.Doc)
	fmt.Fprintf(&b, "Usage: %s\n\nFlags:\n%s", c.usageLine(), c.flags.FlagUsagesWrapped(flagWidth))
	fmt.Fprintf(&b, "\nVariables: %s for the flag --%s, and so on", envName(c.spec.Name, "timeout"), "timeout")
	b.WriteString("; a flag that may be given more than once takes one value a line.\n")
	if len(c.spec.Examples) > 0 {
		b.WriteString("\nExamples:\n")
		for _, e := range c.spec.Examples {
			fmt.Fprintf(&b, "  # %s\n  %s\n", e.Doc, e.Command)
		}
	}
	b.WriteString("\n" + exitHelp() + "\n" + needsHelp(c.spec.Needs))
	if c.spec.More != nil {
		heading, body, _ := strings.Cut(c.spec.More(), "\n")
		b.WriteString("\n" + heading + ":\n" + body + "\n")
	}
	return b.String()
}

func (a *App) help(p *Process, args []string) int {
	if len(args) == 0 || slices.Contains(ownCommands, args[0]) {
		fmt.Fprint(p.Stdout, a.overview())
		return exitDone
	}
	spec, err := findTask(a.AllSpecs(p), args[0])
	switch {
	case err != nil:
		return a.refuse(p, err)
	case len(args) > 1:
		return a.refuse(p, tasks.Usagef("help takes one task, got %q as well", args[1]))
	}
	fmt.Fprint(p.Stdout, helpText(newCommand(spec)))
	return exitDone
}
