package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/initbox/initbox/e2e/cluster"
	"github.com/initbox/initbox/e2e/kube"
)

const (
	argoExamples = "../../examples/argocd"
	argoModule   = "github.com/argoproj/argo-cd/v3@v3.5.7"
	argoCRD      = "applications.argoproj.io"
)

// definition returns the CustomResourceDefinition of an Application as Argo CD ships
// it. It downloads the module instead of requiring it, which would add hundreds of others.
func definition(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("go", "mod", "download", "-json", argoModule)
	cmd.Dir = os.TempDir() // outside of any module
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go mod download %s: %v\n%s", argoModule, err, out)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(out, &module); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(module.Dir, "manifests", "crds", "application-crd.yaml")
}

// TestArgoApplication: the API server, with the schema of Argo CD, accepts the
// Application, and refuses it if a field is wrong. The test never creates it: there is
// no controller here to remove its finalizer.
func TestArgoApplication(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	if _, err := tryKubectl(t, ns, "", "get", "crd", argoCRD); err != nil { // an existing one belongs to an Argo CD and is good enough
		kubectl(t, ns, "apply", "--server-side", "-f", definition(t))
		t.Cleanup(func() { // with a new context: that of the test is done
			ctx, cancel := context.WithTimeout(context.Background(), kube.Patience)
			defer cancel()
			program, err := cluster.Kubectl(ctx, t.Output())
			if err != nil {
				t.Fatal(err)
			}
			if out, err := ns.Command(ctx, program, "delete", "crd", argoCRD).CombinedOutput(); err != nil {
				t.Errorf("kubectl delete crd: %v\n%s", err, out)
			}
		})
		kube.Eventually(t, "the definition to be established", func(context.Context) error {
			out, err := tryKubectl(t, ns, "", "get", "applications")
			if err != nil {
				return fmt.Errorf("%w: %s", err, out)
			}
			return nil
		})
	}
	content, err := os.ReadFile(filepath.Join(argoExamples, "application.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	application := strings.Replace(string(content), "namespace: argocd", "namespace: "+ns.Name, 1)
	for _, tt := range []struct{ text, by, want string }{
		{"", "", ""},
		{"selfHeal: true", "selfheal: true", `unknown field "spec.syncPolicy.automated.selfheal"`},
		{"limit: 5", "limit: five", "spec.syncPolicy.retry.limit"},
		{"  project: default\n", "", "spec.project"},
	} {
		out, err := tryKubectl(t, ns, strings.Replace(application, tt.text, tt.by, 1), "create", "--dry-run=server", "--validate=strict", "-f", "-")
		if (err != nil) != (tt.want != "") || !strings.Contains(out, tt.want) {
			t.Errorf("with %q for %q: %v\n%s\nwant %q", tt.by, tt.text, err, out, tt.want)
		}
	}
	var doc struct {
		Spec struct {
			Source struct {
				Path string `json:"path"`
			} `json:"source"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(content, &doc); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join("../..", doc.Spec.Source.Path, "1-migrate.yaml")); err != nil {
		t.Errorf("the Application's path does not lead to the manifests: %v", err)
	}
}

// waves returns the manifests by the wave in their annotation.
func waves(t *testing.T) map[int][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(argoExamples, "manifests", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatal("no manifests", err)
	}
	found := map[int][]string{}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, doc := range bytes.Split(content, []byte("\n---\n")) {
			var object struct {
				Metadata struct {
					Annotations map[string]string `json:"annotations"`
				} `json:"metadata"`
			}
			if err := yaml.Unmarshal(doc, &object); err != nil {
				t.Fatal(file, err)
			}
			wave, err := strconv.Atoi(object.Metadata.Annotations["argocd.argoproj.io/sync-wave"])
			if err != nil {
				t.Fatalf("%s: a manifest without wave: %v", file, err)
			}
			found[wave] = append(found[wave], string(doc))
		}
	}
	return found
}

// TestArgoWaves applies the manifests as Argo CD does: each wave after the previous
// wave is healthy. A second sync has a new migration.
func TestArgoWaves(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	byWave := waves(t)
	order := []int{}
	for wave := range byWave {
		order = append(order, wave)
	}
	slices.Sort(order)
	if !slices.Equal(order, []int{-1, 0, 1}) {
		t.Fatalf("the waves are %v", order)
	}
	sync := func(edit func(string) string) {
		t.Helper()
		for _, wave := range order {
			if wave == 0 { // BeforeHookCreation
				kubectl(t, ns, "delete", "job/migrate", "--ignore-not-found")
			}
			ns.Apply(t, edit(strings.Join(byWave[wave], "\n---\n")))
			healthy(t, ns, wave)
		}
	}
	sync(func(text string) string { return text })
	if got := shopVersion(t, ns, "postgres"); got != "1" {
		t.Errorf("the database is at version %q, want 1", got)
	}

	const anchor = "  1_create_orders.up.sql: |\n"
	sync(func(text string) string {
		return strings.Replace(text, anchor, "  2_add_price.up.sql: ALTER TABLE orders ADD COLUMN price int\n"+anchor, 1)
	})
	if got := shopVersion(t, ns, "postgres"); got != "2" {
		t.Errorf("the database is at version %q after the second sync, want 2", got)
	}

	// The README says this of a Job that is not a hook.
	out, err := tryKubectl(t, ns, strings.Replace(byWave[0][0], "--source=/migrations", "--source=/elsewhere", 1), "apply", "--server-side", "-f", "-")
	if err == nil || !strings.Contains(out, "field is immutable") {
		t.Errorf("a changed Job: %v\n%s", err, out)
	}
}

// TestArgoPodsWait: pods that start before the Job wait for it and say so.
func TestArgoPodsWait(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	byWave := waves(t)
	ns.Apply(t, strings.Join(byWave[-1], "\n---\n"))
	healthy(t, ns, -1)
	ns.Apply(t, strings.Join(byWave[1], "\n---\n"))
	kube.Eventually(t, "the log to say what is missing", contains(func() string {
		out, _ := tryKubectl(t, ns, "", "logs", "deploy/shop", "-c", "wait-for-migrations")
		return out
	}, "no migration has been applied yet (--source /migrations asks for version 1)"))
	if got := kubectl(t, ns, "get", "deploy/shop", "-o", "jsonpath={.status.readyReplicas}"); got != "" {
		t.Errorf("%s pods are ready before the migration", got)
	}
	ns.Apply(t, strings.Join(byWave[0], "\n---\n"))
	healthy(t, ns, 0)
	healthy(t, ns, 1)
}

// healthy waits until the objects of a wave are healthy by the rules of Argo CD.
func healthy(t *testing.T, ns *kube.Namespace, wave int) {
	t.Helper()
	switch wave {
	case -1:
		rollout(t, ns, "postgres")
	case 0:
		kubectl(t, ns, "wait", "job/migrate", "--for=condition=Complete", "--timeout="+kube.Patience.String())
	case 1:
		rollout(t, ns, "shop")
	}
}
