package kubernetes

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

type namespace struct{ name string }

func newNamespace(t *testing.T, level string) *namespace {
	n := &namespace{name: "helm-" + strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name()))}
	n.kubectl(t, "create", "namespace", n.name)
	t.Cleanup(func() { n.kubectl(t, "delete", "namespace", n.name, "--wait=false") })
	n.kubectl(t, "label", "namespace", n.name, "pod-security.kubernetes.io/enforce="+level)
	return n
}

func (n *namespace) try(stdin string, args ...string) (string, error) {
	cmd := exec.Command("kubectl", append([]string{"--namespace", n.name}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("kubectl %q: %w\n%s", args, err, out)
	}
	return string(out), nil
}

func (n *namespace) kubectl(t *testing.T, args ...string) string {
	t.Helper()
	out, err := n.try("", args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (n *namespace) apply(t *testing.T, text string) {
	t.Helper()
	if _, err := n.try(text, "apply", "--server-side", "--validate=strict", "-f", "-"); err != nil {
		t.Fatal(err)
	}
}

func (n *namespace) kubeconfig() string { return os.Getenv("KUBECONFIG") }

func (n *namespace) eventually(t *testing.T, probe func() error) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(200 * time.Millisecond) {
		err := probe()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}
