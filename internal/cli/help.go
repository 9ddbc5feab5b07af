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

// overview is the help of initbox itself.
func (a *App) overview() string {
	var b strings.Builder
	b.WriteString("initbox prepares a pod before its main containers start.\n\nUsage: initbox TASK [flags] [arguments]\n\nTasks:\n")
	for _, s := range a.allSpecs() {
		fmt.Fprintf(&b, "  %-12s %s\n", s.Name, synopsis(s))
	}
	b.WriteString(`
Other commands:
  help         help [TASK]: this text, or all about a task
  version      version, commit and Go version
  reference    reference --format=markdown|json-schema [TASK]: the documentation, the schema of the run-file

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
	fmt.Fprintf(&b, "initbox %s: %s\n\n", c.spec.Name, c.spec.Help())
	usage := c.usageLine()
	if _, ok := c.task.(stepTaker); ok {
		usage += " [-- TASK [flags] [arguments]]..."
	}
	fmt.Fprintf(&b, "%s\n\nFlags:\n%s", strings.ToUpper(usage[:1])+usage[1:], c.flags.FlagUsagesWrapped(flagWidth))
	fmt.Fprintf(&b, "\nVariables: %s for the flag --%s, and so on", envName(c.spec.Name, "timeout"), "timeout")
	b.WriteString("; a flag that may be given more than once takes one value a line.\n")
	if len(c.spec.Examples) > 0 {
		b.WriteString("\nExamples:\n")
		for _, e := range c.spec.Examples {
			fmt.Fprintf(&b, "  # %s\n  %s\n", e.Doc, e.Command)
		}
	}
	b.WriteString("\n" + exitHelp())
	return b.String()
}

func (a *App) help(p *Process, args []string) int {
	if len(args) == 0 || slices.Contains(ownCommands, args[0]) {
		fmt.Fprint(p.Stdout, a.overview())
		return exitDone
	}
	spec, ok := a.spec(args[0], p)
	switch {
	case !ok:
		return a.refuse(p, unknownTask(args[0], a.taskNames()))
	case len(args) > 1:
		return a.refuse(p, tasks.Usagef("help takes one task, got %q as well", args[1]))
	}
	fmt.Fprint(p.Stdout, helpText(newCommand(spec)))
	return exitDone
}
