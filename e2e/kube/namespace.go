package kube

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
)

// A Level of the Pod Security Standards.
type Level string

// The levels, from the strictest to the loosest.
const (
	Restricted Level = "restricted"
	Baseline   Level = "baseline"
)

// A Namespace is one test's part of the cluster.
type Namespace struct {
	*Cluster
	Name string
}

// Namespace creates a namespace that refuses pods that level does not allow. When t
// ends, the namespace is deleted, without waiting for that; if t failed, the state of
// its pods is printed first.
func (c *Cluster) Namespace(t testing.TB, level Level) *Namespace {
	t.Helper()
	ns := &Namespace{c, namespaceName(t.Name())}
	_, err := c.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name:   ns.Name,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": string(level)},
	}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatalf("namespace for the test: %v", err)
	}
	t.Cleanup(func() { ns.end(t) })
	ns.awaitServiceAccount(t)
	return ns
}

// namespaceName returns the allowed characters of the test's name, with a suffix that
// is different in each run.
func namespaceName(test string) string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, strings.ToLower(strings.TrimPrefix(test, "Test")))
	return "e2e-" + strings.Trim(name[:min(len(name), 40)], "-") + "-" + rand.String(5)
}

func (ns *Namespace) end(t testing.TB) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if t.Failed() {
		ns.report(ctx, t)
	}
	none := int64(0)
	if err := ns.CoreV1().Namespaces().Delete(ctx, ns.Name, metav1.DeleteOptions{}); err != nil {
		t.Errorf("delete namespace %s: %v", ns.Name, err)
	}
	// Without grace periods, so that the node is free for other tests.
	_ = ns.CoreV1().Pods(ns.Name).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: &none}, metav1.ListOptions{})
}

// awaitServiceAccount returns when pods can be created: without the account they are refused.
func (ns *Namespace) awaitServiceAccount(t testing.TB) {
	t.Helper()
	Eventually(t, "the namespace's service account", func(ctx context.Context) error {
		_, err := ns.CoreV1().ServiceAccounts(ns.Name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
}

// Apply applies a manifest with kubectl; the test ends if it is refused.
func (ns *Namespace) Apply(t testing.TB, manifest string) {
	t.Helper()
	if out, err := ns.tryApply(t, manifest); err != nil {
		t.Fatalf("kubectl apply: %v\n%s", err, out)
	}
}

// tryApply is Apply for a manifest that may be refused; it returns the output of kubectl.
func (ns *Namespace) tryApply(t testing.TB, manifest string) (string, error) {
	t.Helper()
	return ns.Kubectl(t, manifest, "apply", "--server-side", "--force-conflicts", "-n", ns.Name, "-f", "-")
}

// ApplyFiles applies files, and of folders the files that end with .yaml. No file may
// name a namespace.
func (ns *Namespace) ApplyFiles(t testing.TB, paths ...string) {
	t.Helper()
	var texts []string
	for _, path := range paths {
		files := []string{path}
		if info, err := os.Stat(path); err != nil {
			t.Fatal(err)
		} else if info.IsDir() {
			if files, err = filepath.Glob(filepath.Join(path, "*.yaml")); err != nil || len(files) == 0 {
				t.Fatalf("no *.yaml in %s (%v)", path, err)
			}
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts = append(texts, string(text))
		}
	}
	ns.Apply(t, strings.Join(texts, "\n---\n"))
}
