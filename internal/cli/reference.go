package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

// reference prints what derives from the Specs: pages, the schema with which an
// editor checks a run-file, the templates of the Helm library chart.
func (a *App) reference(p *Process, args []string) int {
	if isHelp(args) {
		return a.help(p, nil)
	}
	fs := newFlagSet("reference")
	format := "markdown"
	flags.Enum(fs, &format, "format", []string{"markdown", "json-schema", "json", "helm"}, "what to print")
	if err := parseFlags(fs, args); err != nil {
		return a.refuse(p, fmt.Errorf("%w: usage: initbox reference --format=markdown|json-schema|json|helm [TASK]", err))
	}
	if fs.NArg() > 1 {
		return a.refuse(p, tasks.Usagef("reference takes one task, got %q as well", fs.Arg(1)))
	}
	specs := a.AllSpecs(p)
	if name := fs.Arg(0); name != "" {
		spec, err := findTask(specs, name)
		if err != nil {
			return a.refuse(p, err)
		}
		specs = []tasks.Spec{spec}
	}
	switch format {
	case "json-schema":
		return printJSON(p.Stdout, a.schema())
	case "json":
		return printJSON(p.Stdout, data(specs))
	case "helm":
		fmt.Fprint(p.Stdout, chartTemplates(specs))
		return exitDone
	}
	pages := make([]string, len(specs))
	for i, s := range specs {
		pages[i] = page(newCommand(s))
	}
	fmt.Fprint(p.Stdout, strings.Join(pages, "\n"))
	return exitDone
}

func printJSON(w io.Writer, v any) int {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return exitFailed
	}
	return exitDone
}

// An object is JSON, printed with sorted keys, or the data of a template.
type object = map[string]any

// schema is the JSON Schema (draft 2020-12) of a run-file.
func (a *App) schema() object {
	step := object{
		"name": object{"type": "string", "description": "name of the step in log lines and in the termination message"},
	}
	var one []object
	for _, s := range a.Specs {
		step[s.Name] = stepSchema(newStepCommand(s))
		one = append(one, object{"required": []string{s.Name}})
	}
	return object{
		"$schema":              "https://json-schema.org/draft/2020-12/schema",
		"title":                "a plan for initbox run",
		"type":                 "object",
		"additionalProperties": false,
		"required":             []string{"steps"},
		"properties": object{
			"timeout": object{"type": []string{"string", "number"}, "description": "limit for the whole plan, a duration or seconds"},
			"steps": object{
				"type":     "array",
				"minItems": 1,
				"items": object{
					"type":                 "object",
					"additionalProperties": false,
					"properties":           step,
					"oneOf":                one,
				},
			},
		},
	}
}

func stepSchema(c *command) object {
	properties := object{}
	c.flags.VisitAll(func(f *pflag.Flag) { properties[f.Name] = flagSchema(f) })
	long := object{"type": "object", "additionalProperties": false, "properties": properties}
	forms := []object{long}
	if c.shortForm() != "" {
		word := object{"type": []string{"string", "number"}}
		forms = append(forms, word, object{"type": "array", "items": word, "minItems": 1})
	}
	return object{"description": synopsis(c.spec), "anyOf": forms}
}

// flagSchema allows a string for everything: "${VAR}" becomes a number or a
// truth value only when the plan runs.
func flagSchema(f *pflag.Flag) object {
	o := object{"description": f.Usage}
	variable := object{"type": "string", "pattern": `\$\{`}
	switch v := f.Value.(type) {
	case interface{ Values() []string }:
		o["anyOf"] = []object{{"enum": v.Values()}, variable}
		return o
	case pflag.SliceValue:
		word := object{"type": []string{"string", "number"}}
		o["anyOf"] = []object{word, {"type": "array", "items": word}}
		return o
	}
	switch f.Value.Type() {
	case "bool":
		o["anyOf"] = []object{{"type": "boolean"}, variable}
	case "int":
		o["anyOf"] = []object{{"type": "integer"}, variable}
	default:
		o["type"] = []string{"string", "number"}
	}
	if def := f.DefValue; def != "" && !slices.Contains([]string{"false", "0", "0s"}, def) {
		o["default"] = def
	}
	return o
}
