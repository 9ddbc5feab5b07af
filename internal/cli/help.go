package cli

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/tasks"
)

// flagWidth is the width of help text, in characters.
const flagWidth = 100

// ownCommands are the commands that are not tasks.
var ownCommands = []string{"help", "version", "reference"}

func isHelp(args []string) bool {
	return len(args) > 0 && slices.Contains([]string{"-h", "--help", "help"}, args[0])
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

// helpTemplates are the texts of help, and the page of a task.
//
//go:embed help.tmpl
var helpTemplates string

// fillIn returns the template name filled in with data. It panics if that fails,
// which only a mistake in the template can cause.
func fillIn(name string, data object) string {
	t := template.New(name).Funcs(template.FuncMap{"capital": capital, "indent": indent, "synopsis": synopsis})
	var b strings.Builder
	if err := template.Must(t.Parse(helpTemplates)).Execute(&b, data); err != nil {
		panic(err)
	}
	return b.String()
}

func synopsis(s tasks.Spec) string {
	first, _, _ := strings.Cut(s.Doc, "\n")
	return first
}

// capital returns s with a capital first letter.
func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// indent puts n blanks before each line of text.
func indent(n int, text string) string {
	blanks := strings.Repeat(" ", n)
	return blanks + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+blanks) + "\n"
}

// overview is the help of initbox itself.
func (a *App) overview() string {
	return fillIn("overview", object{"Groups": tasks.Groups(), "Specs": a.AllSpecs(nil), "Exits": exitTable})
}

// helpText is the help of one task.
func helpText(c *command) string { return fillIn("help", helpData(c)) }

// page is the README of one task.
func page(c *command) string { return fillIn("page", helpData(c)) }

// helpData is what the templates know of a task.
func helpData(c *command) object {
	_, text, _ := strings.Cut(c.spec.Doc, "\n")
	var rows []object
	for _, name := range slices.Concat(c.own, c.shared()) {
		rows = append(rows, flagRow(c.spec.Name, c.flags.Lookup(name)))
	}
	shared := c.shared()
	for i, name := range shared {
		shared[i] = "`" + envName("", name) + "`"
	}
	data := object{
		"Spec": c.spec, "Text": text, "Usage": c.usageLine(), "Flags": c.flags.FlagUsagesWrapped(flagWidth),
		"Variable": envName(c.spec.Name, "timeout"), "Rows": rows, "Shared": strings.Join(shared, ", "),
		"Exits": exitTable, "Grants": grants(c.spec.Needs),
	}
	if c.spec.More != nil {
		more := c.spec.More()
		heading, _, _ := strings.Cut(more, "\n")
		data["Heading"], data["More"] = heading, strings.TrimPrefix(more, heading)
	}
	return data
}

// flagRow is one row in the table of flags.
func flagRow(task string, f *pflag.Flag) object {
	kind, usage := pflag.UnquoteUsage(f)
	value := f.DefValue
	if value == "" || value == "[]" {
		value = "-"
	}
	cell := strings.NewReplacer("|", "\\|", "\n", " ")
	return object{
		"Flag": cell.Replace(strings.TrimSpace("--" + f.Name + " " + kind)), "Default": value,
		"Meaning": cell.Replace(usage), "Variable": envName(task, f.Name),
	}
}
