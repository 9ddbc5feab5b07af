package cli

import (
	"fmt"
	"strings"

	"github.com/initbox/initbox/tasks"
)

// indent prefixes each line of text with n spaces.
func indent(text string, n int) string {
	blanks := strings.Repeat(" ", n)
	return blanks + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n"+blanks) + "\n"
}

// needsHelp returns the end of a task's help: the smallest securityContext, and
// what some flags and the volumes need.
func needsHelp(n tasks.Needs) string {
	text := "The smallest securityContext of its container:\n" + indent(n.SecurityContext(), 2)
	if lines := needsLines(n); len(lines) > 0 {
		text += strings.Join(lines, "\n") + "\n"
	}
	return text
}

// needsLines returns the needs that the securityContext does not show.
func needsLines(n tasks.Needs) []string {
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

// inPod returns the section of a task's page that shows it in a pod.
func inPod(spec tasks.Spec) string {
	container := fmt.Sprintf("- name: %s\n  image: initbox:dev\n", spec.Name) +
		indent(spec.Container, 2) + "  securityContext:\n" + indent(spec.Needs.SecurityContext(), 4)
	text := "\n## In a pod\n\n```yaml\ninitContainers:\n" + indent(container, 2) + "```\n"
	if lines := needsLines(spec.Needs); len(lines) > 0 {
		text += "\n- " + strings.Join(lines, "\n- ") + "\n"
	}
	return text
}

// helmTemplates returns the named templates of the Helm library chart, one for
// each task.
func helmTemplates(specs []tasks.Spec) string {
	var b strings.Builder
	b.WriteString(`{{/*
Written by make update from the Specs of the tasks. Do not edit.

One template for each task: (list $ OPTIONS) in, one element of initContainers out. README.md says what OPTIONS has.
A task that needs more than the Pod Security level restricted leaves it brings what it needs.
*/}}

`)
	for _, s := range specs {
		fmt.Fprintf(&b, "{{- define \"initbox.%s\" -}}{{ include \"initbox.container\" (list %q .%s) }}{{- end }}\n", CamelCase(s.Name), s.Name, helmSecurity(s.Needs))
	}
	return b.String()
}

// helmSecurity returns what a task changes in the chart's securityContext, as
// an argument of initbox.container.
func helmSecurity(n tasks.Needs) string {
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

// data returns the tasks and their needs for other programs.
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
