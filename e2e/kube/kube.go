// Package kube helps tests on a cluster: it creates a namespace for each test, applies
// manifests as users apply them, waits for pods, and returns what a user sees of them.
// A test that fails prints the status, the logs and the events of the pods in its
// namespaces.
package kube

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/initbox/initbox/e2e/cluster"
)

// A Cluster is the cluster that the tests of a package share.
type Cluster struct {
	kubernetes.Interface // the typed client
	kubeconfig           string
}

// New connects to the cluster of [cluster.KubeconfigVariable]. The package's TestMain
// sets that variable; see [cluster.Open].
func New(t testing.TB) *Cluster {
	t.Helper()
	kubeconfig := os.Getenv(cluster.KubeconfigVariable)
	if kubeconfig == "" {
		t.Fatalf("%s is not set: the package's TestMain must set it, see cluster.Open", cluster.KubeconfigVariable)
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS, config.Burst = 50, 100
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &Cluster{client, kubeconfig}
}

// Command returns a command that finds the cluster by KUBECONFIG in its environment,
// as helm and kustomize do.
func (c *Cluster) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig)
	return cmd
}

// Kubectl runs kubectl with stdin and returns its stdout and stderr.
func (c *Cluster) Kubectl(t testing.TB, stdin string, args ...string) (string, error) {
	t.Helper()
	kubectl, err := cluster.Kubectl(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	cmd := c.Command(t.Context(), kubectl, args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
