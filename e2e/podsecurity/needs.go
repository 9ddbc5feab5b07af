package podsecurity

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/tasks"
)

// Needs is what each task needs of its pod, by the task's name.
type Needs map[string]tasks.Needs

// ReadNeeds asks initbox, with its source in the folder root.
func ReadNeeds(root string) (Needs, error) {
	cmd := exec.Command("go", "run", "./cmd/initbox", "reference", "--format=json")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", cmd, err)
	}
	var list []struct {
		Name  string
		Needs tasks.Needs
	}
	if err := json.Unmarshal(out, &list); err != nil {
		return nil, err
	}
	needs := Needs{}
	for _, task := range list {
		needs[task.Name] = task.Needs
	}
	return needs, nil
}

// of returns the needs of the task that the container runs, or of the steps of a plan
// on its command line.
func (n Needs) of(c *corev1.Container) (needs tasks.Needs) {
	for _, arg := range c.Args {
		task := n[arg]
		needs.Root = needs.Root || task.Root
		needs.Capabilities = append(needs.Capabilities, task.Capabilities...)
	}
	return needs
}

// privileged reports whether the container needs more than the restricted level allows.
func (n Needs) privileged(c corev1.Container) bool {
	needs := n.of(&c)
	return needs.Root || len(needs.Always()) > 0
}

// capabilities returns the capabilities that the container must have, and those that it
// may have as well because of its flags.
func (n Needs) capabilities(c *corev1.Container) (must, may []corev1.Capability) {
	for _, capability := range n.of(c).Capabilities {
		name := corev1.Capability(capability.Name)
		switch {
		case capability.Flags == nil:
			must = append(must, name)
		case slices.ContainsFunc(c.Args, func(arg string) bool {
			flag, _, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
			return strings.HasPrefix(arg, "--") && slices.Contains(capability.Flags, flag)
		}):
			may = append(may, name)
		}
	}
	return must, may
}
