package tasks

import "strings"

// Needs is what a task asks of the pod: what its container must be granted beyond
// what the Pod Security level restricted leaves it. The zero value asks for nothing:
// any user, no capability. Help, pages, the Helm library chart and the tests of the
// examples take the securityContext from here.
type Needs struct {
	// Root is whether the task runs as UID 0.
	Root bool
	// Capabilities are those that the container keeps or gets; all others are dropped.
	Capabilities []Capability
	// Mounts are the volumes that the container mounts, one line each:
	// "the volume that changes owner, writable".
	Mounts []string
}

// A Capability is one Linux capability that a task needs.
type Capability struct {
	Name string // as Kubernetes writes it: "CHOWN"
	// Flags are those of the task that need it, nil if every use does. A
	// capability has no effect for a user other than root.
	Flags []string
}

// Always returns the capabilities that every use of the task needs.
func (n Needs) Always() []string {
	var names []string
	for _, c := range n.Capabilities {
		if c.Flags == nil {
			names = append(names, c.Name)
		}
	}
	return names
}

// SecurityContext returns the smallest securityContext that a container of the task
// runs with, as the lines of a YAML mapping. The Pod Security level restricted
// admits it unless the task needs root.
func (n Needs) SecurityContext() string {
	user := "runAsNonRoot: true\nrunAsUser: 65532\n"
	if n.Root {
		user = "runAsNonRoot: false\nrunAsUser: 0\n"
	}
	capabilities := "drop: [ALL]"
	if names := n.Always(); len(names) > 0 {
		capabilities += ", add: [" + strings.Join(names, ", ") + "]"
	}
	return user + "allowPrivilegeEscalation: false\nreadOnlyRootFilesystem: true\n" +
		"capabilities: {" + capabilities + "}\nseccompProfile: {type: RuntimeDefault}\n"
}
