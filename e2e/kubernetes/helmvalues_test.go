package kubernetes

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/initbox/initbox/e2e/kube"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// world has the servers that the values of examples/helm/values wait for, under the
// names that they use; the pod server serves all of them.
const world = `
apiVersion: v1
kind: Service
metadata: {name: redis}
spec: {selector: {app: server}, ports: [{port: 6379}]}
---
apiVersion: v1
kind: Service
metadata: {name: auth}
spec: {selector: {app: server}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: metrics-proxy}
spec: {selector: {app: server}, ports: [{port: 8080}]}
---
apiVersion: v1
kind: Secret
metadata: {name: database}
stringData: {password: "any:thing/%?"}
`

// chartValues is one file of examples/helm/values. Its first lines name the keys of its
// chart.
type chartValues struct {
	containers, volumes, objects any // lists; the chart puts objects beside the pod
}

func readValues(t *testing.T, file string) chartValues {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var values any
	if err := yaml.UnmarshalStrict(content, &values); err != nil {
		t.Fatal(err)
	}
	find := func(what string) any {
		line := regexp.MustCompile(`(?m)^# ` + what + `: (\S+)$`).FindSubmatch(content)
		if line == nil {
			return []any{}
		}
		found := values
		for key := range strings.SplitSeq(string(line[1]), ".") {
			parent, _ := found.(map[string]any)
			if found = parent[key]; found == nil {
				t.Fatalf("there is no %s, which the line %q speaks of", key, line[0])
			}
		}
		if text, ok := found.(string); ok { // the chart takes a text and renders it as a template
			if err := yaml.UnmarshalStrict([]byte(text), &found); err != nil {
				t.Fatal(err)
			}
		}
		return found
	}
	if !regexp.MustCompile(`^# Chart: \w`).Match(content) {
		t.Error("the first line does not name the chart")
	}
	return chartValues{find("Containers"), find("Volumes"), find("Objects")}
}

// pod returns a pod like that of the chart, with a stand-in for its application. The
// volume "data" stands in for that of the chart.
func (v chartValues) pod(t *testing.T) string {
	t.Helper()
	volumes := append([]any{map[string]any{"name": "data", "emptyDir": map[string]any{}}}, v.volumes.([]any)...)
	out, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "app"},
		"spec": map[string]any{
			"automountServiceAccountToken": false, "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
			"initContainers": v.containers, "containers": []any{shell("app", stay)}, "volumes": volumes,
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	docs := []string{string(out)}
	for _, object := range v.objects.([]any) {
		out, err := yaml.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		docs = append(docs, string(out))
	}
	return strings.Join(docs, "---\n")
}

// TestHelmValues: each file gives a chart init containers that the cluster accepts and
// that do their work.
func TestHelmValues(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(helmExamples, "values", "*.yaml"))
	if err != nil || len(files) < 9 {
		t.Fatalf("%d files of values: %v", len(files), err)
	}
	readme, err := os.ReadFile(filepath.Join(helmExamples, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	restricted := valuesWorld(t)
	for _, file := range files {
		name := filepath.Base(file)
		if link := fmt.Sprintf("[%s](values/%s)", name, name); !strings.Contains(string(readme), link) {
			t.Errorf("README.md has no %s", link)
		}
		t.Run(name, func(t *testing.T) {
			ns := restricted
			if name == "bitnami-postgresql.yaml" { // chown
				ns = kube.New(t).Namespace(t, kube.Baseline)
			}
			values := readValues(t, file)
			ns.Apply(t, values.pod(t))
			ns.WaitPod(t, "app", kube.Ready)
			for _, c := range values.containers.([]any) {
				container := c.(map[string]any)["name"].(string)
				if got := ns.TerminationMessage(t, "app", container); !strings.Contains(got, ": done in ") {
					t.Errorf("%s: %s", container, got)
				}
			}
			kubectl(t, ns, "delete", "pod", "app", "--grace-period=0", "--force")
		})
	}
}

// valuesWorld returns a namespace with everything that the values wait for.
func valuesWorld(t *testing.T) *kube.Namespace {
	t.Helper()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	postgres, err := os.ReadFile(filepath.Join(kustomizeExamples, "overlay", "postgres.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	ca := testpki.Root(t, "values")
	leaf := testpki.Leaf(t, ca, testpki.Names("shop.example"))
	secret, err := yaml.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": map[string]any{"name": "default-certificate"},
		"stringData": map[string]any{"tls.crt": string(testpki.PEM(leaf)), "tls.key": string(testpki.KeyPEM(t, leaf)), "ca.crt": string(testpki.PEM(ca))},
	})
	if err != nil {
		t.Fatal(err)
	}
	ns.Apply(t, world+"---\n"+string(postgres)+"\n---\n"+string(secret))
	startPod(t, ns, preparedPod("server", []corev1.Volume{emptyVolume("tmp")},
		shell("server", "echo ready >/tmp/index.html; httpd -p 6379 -h /tmp; exec httpd -f -p 8080 -h /tmp")))
	return ns
}
