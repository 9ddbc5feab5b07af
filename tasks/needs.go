package tasks

import "strings"

// Needs is what the pod must grant a task beyond what the Pod Security level
// restricted allows. The zero value needs nothing: any user, no capability.
// Help, pages, the Helm library chart and the tests of the examples take the
// securityContext from here.
type Needs struct {
	// Root says that the task runs as UID 0.
	Root bool
	// Capabilities are those that the container needs; it drops all others.
	Capabilities []Capability
	// Mounts are the volumes that the container mounts, one line each, such as
	// "the volume that changes owner, writable".
	Mounts []string
}

// A Capability is one Linux capability that a task needs.
type Capability struct {
	Name string // as Kubernetes writes it: "CHOWN"
	// Flags are the task's flags that need the capability, nil if every use needs
	// it. A capability has no effect for a user other than root.
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

// SecurityContext returns the smallest securityContext with which the task's
// container works, as lines of a YAML mapping. Unless the task needs root, the
// Pod Security level restricted admits it.
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
