package tasks

import (
	"strings"
	"testing"
)

func TestSecurityContext(t *testing.T) {
	root := Needs{Root: true, Capabilities: []Capability{{Name: "CHOWN"}, {Name: "FOWNER", Flags: []string{"mode"}}, {Name: "DAC_OVERRIDE"}}}
	for want, n := range map[string]Needs{
		"runAsNonRoot: true\nrunAsUser: 65532\n":                    {},
		"capabilities: {drop: [ALL]}\n":                             {Capabilities: []Capability{{Name: "CHOWN", Flags: []string{"owner"}}}},
		"runAsNonRoot: false\nrunAsUser: 0\n":                       root,
		"capabilities: {drop: [ALL], add: [CHOWN, DAC_OVERRIDE]}\n": root,
	} {
		if got := n.SecurityContext(); !strings.Contains(got, want) {
			t.Errorf("want %q in\n%s", want, got)
		}
	}
}
