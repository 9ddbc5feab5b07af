// Package helm gives tests the real helm and copies of the charts of examples/helm,
// because helm writes into the charts that it builds.
package helm

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testnet/gotool"
)

// source is the version of helm that the charts are tested with.
const source = "helm.sh/helm/v4/cmd/helm@v4.3.1"

// A Helm is the program with its own configuration, cache and charts.
type Helm struct {
	// Charts is the folder with copies of examples/helm.
	Charts string
	// Kubeconfig is the kubeconfig of the cluster, "" without one.
	Kubeconfig string

	program string
	env     []string
}

// New builds helm, once per machine, and copies the charts of examples, the path of
// examples/helm.
func New(t testing.TB, examples string) *Helm {
	t.Helper()
	program, err := gotool.Build(source)
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	h := &Helm{Charts: filepath.Join(home, "charts"), program: program}
	for _, kind := range []string{"CACHE", "CONFIG", "DATA"} {
		h.env = append(h.env, "HELM_"+kind+"_HOME="+filepath.Join(home, kind))
	}
	for _, chart := range []string{"initbox", "shop"} {
		if err := os.CopyFS(filepath.Join(h.Charts, chart), os.DirFS(filepath.Join(examples, chart))); err != nil {
			t.Fatal(err)
		}
	}
	return h
}

// Path returns the path of a chart.
func (h *Helm) Path(chart string) string { return filepath.Join(h.Charts, chart) }

// Try runs helm and returns all of its output.
func (h *Helm) Try(args ...string) (string, error) {
	cmd := exec.Command(h.program, args...)
	cmd.Env = append(append(os.Environ(), "KUBECONFIG="+h.Kubeconfig), h.env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), fmt.Errorf("helm %q: %w\n%s", args, err, out)
	}
	return string(out), nil
}

// Run runs helm, which must succeed, and returns all of its output.
func (h *Helm) Run(t testing.TB, args ...string) string {
	t.Helper()
	out, err := h.Try(args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
