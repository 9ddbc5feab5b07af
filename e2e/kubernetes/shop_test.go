package kubernetes

import (
	"strings"
	"testing"

	"github.com/initbox/initbox/e2e/kube"
)

// kubectl runs kubectl in the namespace, which must succeed, and returns its output.
func kubectl(t *testing.T, ns *kube.Namespace, args ...string) string {
	t.Helper()
	out, err := tryKubectl(t, ns, "", args...)
	if err != nil {
		t.Fatalf("kubectl %q: %v\n%s", args, err, out)
	}
	return out
}

func tryKubectl(t *testing.T, ns *kube.Namespace, stdin string, args ...string) (string, error) {
	t.Helper()
	return ns.Kubectl(t, stdin, append([]string{"--namespace", ns.Name}, args...)...)
}

// rollout waits until all pods of the Deployment have its newest template and are available.
func rollout(t *testing.T, ns *kube.Namespace, name string) {
	t.Helper()
	kubectl(t, ns, "rollout", "status", "deploy/"+name, "--timeout="+kube.Patience.String())
}

// shopVersion returns the version of the database of the Deployment, empty if a
// migration stopped half-way.
func shopVersion(t *testing.T, ns *kube.Namespace, postgres string) string {
	t.Helper()
	return strings.TrimSpace(kubectl(t, ns, "exec", "deploy/"+postgres, "--",
		"psql", "-U", "shop", "-d", "shop", "-tAc", "SELECT version FROM schema_migrations WHERE NOT dirty"))
}
