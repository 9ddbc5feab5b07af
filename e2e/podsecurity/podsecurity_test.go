package podsecurity

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/initbox/initbox/e2e/cluster"
	"github.com/initbox/initbox/e2e/helm"
)

const examples = "../../examples"

// real returns helm and kubectl.
func real(t *testing.T) Renderers {
	t.Helper()
	kubectl, err := cluster.Kubectl(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	return Renderers{
		Chart: func(folder, values string) (string, error) {
			h := helm.New(t, filepath.Join(examples, "helm"))
			dir := h.Path(path.Base(folder))
			h.Run(t, "dependency", "build", dir)
			return h.Try("template", "sample", dir, "-f", values)
		},
		Kustomize: func(folder string) (string, error) {
			out, err := exec.CommandContext(t.Context(), kubectl, "kustomize", folder).Output()
			return string(out), err
		},
	}
}

func judge(t *testing.T) Judge {
	t.Helper()
	needs, err := ReadNeeds("../..")
	if err != nil {
		t.Fatal(err)
	}
	j, err := NewJudge(needs)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// TestExamples: every pod below examples/ meets the restricted level; a pod with a task
// that needs more meets the baseline level, and deviates only for that task.
func TestExamples(t *testing.T) {
	pods, err := Find(examples, real(t))
	if err != nil {
		t.Fatal(err)
	}
	j := judge(t)
	ours := 0
	for _, pod := range pods {
		for _, fault := range j.Faults(pod) {
			t.Errorf("%s: %s", pod.Where, fault)
		}
		if slices.ContainsFunc(pod.Spec.InitContainers, func(c corev1.Container) bool { return strings.HasPrefix(c.Image, "initbox:") }) {
			ours++
		}
	}
	t.Logf("%d pods, %d of them with initbox", len(pods), ours)
	if ours == 0 {
		t.Error("no pod has an init container of initbox")
	}
}

// TestPages: the container on each task's page passes the same checks as the examples.
// Its limits of CPU and memory are left to the reader.
func TestPages(t *testing.T) {
	pages, err := filepath.Glob("../../tasks/*/README.md")
	if err != nil || len(pages) == 0 {
		t.Fatalf("%d pages, %v", len(pages), err)
	}
	j := judge(t)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		_, after, _ := strings.Cut(string(text), "## In a pod\n\n```yaml\n")
		container, _, found := strings.Cut(after, "```\n")
		pods, err := snippet(page, []byte(container))
		if err != nil || !found {
			t.Errorf("%s has no container: %v", page, err)
			continue
		}
		for _, fault := range j.Faults(pods[0]) {
			if !strings.Contains(fault, "no request of") && !strings.Contains(fault, "no limit of") {
				t.Errorf("%s: %s", page, fault)
			}
		}
	}
}

const goodPod = `
apiVersion: v1
kind: Pod
metadata: {name: app}
spec:
  automountServiceAccountToken: false
  initContainers:
  - name: init
    image: initbox:dev
    args: [wait-tcp, "web:80"]
    resources: {requests: {cpu: 10m, memory: 32Mi}, limits: {memory: 64Mi}}
    securityContext:
      runAsNonRoot: true
      runAsUser: 65532
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
      seccompProfile: {type: RuntimeDefault}
`

// changed returns text with old replaced by new, pair after pair.
func changed(t *testing.T, text string, pairs ...string) string {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			t.Fatalf("no %q in\n%s", pairs[i], text)
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

var chownPod = []string{
	`[wait-tcp, "web:80"]`, `[chown, "1:1", /data]`, "runAsNonRoot: true", "runAsNonRoot: false", "runAsUser: 65532", "runAsUser: 0",
	"drop: [ALL]", "drop: [ALL], add: [CHOWN, DAC_OVERRIDE]",
}

// TestFaults: each deviation is found.
func TestFaults(t *testing.T) {
	j := judge(t)
	for _, tt := range []struct {
		changes []string
		want    string // in the one fault, or "" for none
	}{
		{nil, ""},
		{chownPod, ""},
		{[]string{"runAsNonRoot: true", "runAsNonRoot: false"}, "not restricted: runAsNonRoot"},
		{[]string{"runAsUser: 65532", "runAsUser: 0"}, "not restricted: runAsUser=0"},
		{[]string{"readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false"}, "container init: readOnlyRootFilesystem"},
		{[]string{"      seccompProfile: {type: RuntimeDefault}\n", ""}, "not restricted: seccompProfile"},
		{[]string{"  automountServiceAccountToken: false\n", ""}, "automountServiceAccountToken"},
		{[]string{"cpu: 10m, ", ""}, "no request of cpu"},
		{[]string{"limits: {memory: 64Mi}", "limits: {}"}, "no limit of memory"},
		{[]string{`[wait-tcp, "web:80"]`, `[chown, "1:1", /data]`}, "restricted, although a task needs more"},
		{append(slices.Clone(chownPod), "CHOWN, DAC_OVERRIDE", "CHOWN, DAC_OVERRIDE, SYS_ADMIN"), "not baseline"},
		{append(slices.Clone(chownPod), "CHOWN, DAC_OVERRIDE", "CHOWN, DAC_OVERRIDE, FOWNER"), "capabilities [CHOWN DAC_OVERRIDE FOWNER] are added"},
		{append(slices.Clone(chownPod), `"1:1", /data]`, `"--file-mode=0640", "1:1", /data]`, "CHOWN, DAC_OVERRIDE", "CHOWN, DAC_OVERRIDE, FOWNER"), ""},
		{append(slices.Clone(chownPod), "spec:\n", "spec:\n  hostNetwork: true\n"), "not baseline: host namespaces"},
	} {
		pods, err := manifests("test", []byte(changed(t, goodPod, tt.changes...)))
		if err != nil || len(pods) != 1 {
			t.Fatalf("%v: %d pods, %v", tt.changes, len(pods), err)
		}
		faults := strings.Join(j.Faults(pods[0]), "\n")
		if tt.want == "" && faults != "" || !strings.Contains(faults, tt.want) {
			t.Errorf("%v: want %q in\n%s", tt.changes, tt.want, faults)
		}
	}
}

// TestUnknown: a file that cannot be classified is an error; it is not skipped.
func TestUnknown(t *testing.T) {
	for _, tt := range []struct{ file, text, want string }{
		{"a/x.yaml", "name: value\n", "not a manifest"},
		{"a/x.yml", "apiVersion: v1\nkind: Unknown\n", "no kind"},
		{"a/x.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: node1}\n", "it is not known whether"},
		{"a/x.yaml", "# nothing\n", "nothing is in it"},
		{"a/x.yaml", "a: [\n", "did not find expected node"},
		{"helm/values/x.yaml", "image: x\n", "no containers"},
		{"helm/values/x.yaml", "initContainers: []\n", "empty"},
		{"helm/values/x.yaml", "initContainers:\n- imagee: x\n", "unknown field"},
		{"k/kustomization.yaml", "kind: Component\n", "no kustomization uses"},
		{"c/Chart.yaml", "name: c\n", "ci/NAME-values.yaml"},
	} {
		root := t.TempDir()
		file := filepath.Join(root, tt.file)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(tt.text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Find(root, Renderers{}); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s with %q: %v, want %q", tt.file, tt.text, err, tt.want)
		}
	}
}
