package cli

import (
	"fmt"
	"strings"

	"github.com/initbox/initbox/tasks"
)

// grants lists what the container needs in addition to the smallest securityContext:
// capabilities that only some flags need, and mounts.
func grants(n tasks.Needs) []string {
	var lines []string
	for _, c := range n.Capabilities {
		if c.Flags == nil {
			continue
		}
		grant := "add the capability"
		if !n.Root {
			grant = "run as root (runAsUser: 0) with the capability"
		}
		lines = append(lines, fmt.Sprintf("With --%s, %s %s.", strings.Join(c.Flags, " or --"), grant, c.Name))
	}
	for _, m := range n.Mounts {
		lines = append(lines, "Mount "+m+".")
	}
	return lines
}

// chartTemplates are the named templates of the Helm library chart, one for each task.
func chartTemplates(specs []tasks.Spec) string {
	var b strings.Builder
	b.WriteString(`{{/*
Written by make update from the Specs of the tasks. Do not edit.

One template for each task: (list $ OPTIONS) in, one element of initContainers out. README.md says what OPTIONS has.
A task that needs more than the Pod Security level "restricted" allows adds what it needs.
*/}}

`)
	for _, s := range specs {
		fmt.Fprintf(&b, "{{- define \"initbox.%s\" -}}{{ include \"initbox.container\" (list %q .%s) }}{{- end }}\n", CamelCase(s.Name), s.Name, chartSecurity(s.Needs))
	}
	return b.String()
}

// chartSecurity is what a task changes in the chart's securityContext, as an
// argument of initbox.container.
func chartSecurity(n tasks.Needs) string {
	var entries string
	if n.Root {
		entries = ` "runAsUser" 0 "runAsNonRoot" false`
	}
	if names := n.Always(); len(names) > 0 {
		entries += fmt.Sprintf(` "capabilities" (dict "add" (list "%s"))`, strings.Join(names, `" "`))
	}
	if entries == "" {
		return ""
	}
	return " (dict" + entries + ")"
}

// CamelCase returns the name of a task in the library chart: waitTcp for
// wait-tcp.
func CamelCase(name string) string {
	words := strings.Split(name, "-")
	for i, w := range words[1:] {
		words[i+1] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, "")
}

// data describes the tasks to programs, such as tests: what a pod must grant them.
func data(specs []tasks.Spec) []object {
	list := []object{}
	for _, s := range specs {
		capabilities := []object{}
		for _, c := range s.Needs.Capabilities {
			capabilities = append(capabilities, object{"name": c.Name, "flags": c.Flags})
		}
		list = append(list, object{
			"name": s.Name, "group": s.Group, "synopsis": synopsis(s),
			"needs": object{"root": s.Needs.Root, "capabilities": capabilities, "mounts": s.Needs.Mounts},
		})
	}
	return list
}
