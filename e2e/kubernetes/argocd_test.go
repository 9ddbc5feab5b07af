package kubernetes

import (
	"bytes"
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
)

const (
	argoExamples = "../../examples/argocd"
	argoModule   = "github.com/argoproj/argo-cd/v3@v3.5.7"
	argoCRD      = "applications.argoproj.io"
)

// definition returns the CustomResourceDefinition of an Application as Argo CD ships
// it. Its module is downloaded, not required: it would bring hundreds of others.
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
// Application, and would not if one of its fields were wrong. It is never created:
// there is no controller here that would take its finalizer away again.
func TestArgoApplication(t *testing.T) {
	ns := newNamespace(t, "restricted")
	if _, err := ns.try("", "get", "crd", argoCRD); err != nil { // one that is there is that of an Argo CD: it is good enough
		ns.kubectl(t, "apply", "--server-side", "-f", definition(t))
		t.Cleanup(func() { ns.kubectl(t, "delete", "crd", argoCRD) })
		ns.kubectl(t, "wait", "crd/"+argoCRD, "--for=condition=Established", "--timeout=1m")
	}
	content, err := os.ReadFile(filepath.Join(argoExamples, "application.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	application := strings.Replace(string(content), "namespace: argocd", "namespace: "+ns.name, 1)
	for _, tt := range []struct{ text, by, want string }{
		{"", "", ""},
		{"selfHeal: true", "selfheal: true", `unknown field "spec.syncPolicy.automated.selfheal"`},
		{"limit: 5", "limit: five", "spec.syncPolicy.retry.limit"},
		{"  project: default\n", "", "spec.project"},
	} {
		out, err := ns.try(strings.Replace(application, tt.text, tt.by, 1), "create", "--dry-run=server", "--validate=strict", "-f", "-")
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

// waves returns the manifests by the wave that they are annotated with.
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

// TestArgoWaves applies the manifests as Argo CD does: a wave after the one before
// it is healthy. A second sync has a new migration.
func TestArgoWaves(t *testing.T) {
	ns := newNamespace(t, "restricted")
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
				ns.kubectl(t, "delete", "job/migrate", "--ignore-not-found")
			}
			ns.apply(t, edit(strings.Join(byWave[wave], "\n---\n")))
			ns.healthy(t, wave)
		}
	}
	sync(func(text string) string { return text })
	if got := ns.shopVersion(t); got != "1" {
		t.Errorf("the database is at version %q, want 1", got)
	}

	const anchor = "  1_create_orders.up.sql: |\n"
	sync(func(text string) string {
		return strings.Replace(text, anchor, "  2_add_price.up.sql: ALTER TABLE orders ADD COLUMN price int\n"+anchor, 1)
	})
	if got := ns.shopVersion(t); got != "2" {
		t.Errorf("the database is at version %q after the second sync, want 2", got)
	}

	// What the README says of a Job that is no hook.
	out, err := ns.try(strings.Replace(byWave[0][0], "--source=/migrations", "--source=/elsewhere", 1), "apply", "--server-side", "-f", "-")
	if err == nil || !strings.Contains(out, "field is immutable") {
		t.Errorf("a changed Job: %v\n%s", err, out)
	}
}

// TestArgoPodsWait: pods that start before the Job wait for it and say so.
func TestArgoPodsWait(t *testing.T) {
	ns := newNamespace(t, "restricted")
	byWave := waves(t)
	ns.apply(t, strings.Join(byWave[-1], "\n---\n"))
	ns.healthy(t, -1)
	ns.apply(t, strings.Join(byWave[1], "\n---\n"))
	ns.eventually(t, func() error {
		log, err := ns.try("", "logs", "deploy/shop", "-c", "wait-for-migrations")
		if err == nil && !strings.Contains(log, "schema_migrations") {
			err = fmt.Errorf("the log does not say what is missing:\n%s", log)
		}
		return err
	})
	if got := ns.kubectl(t, "get", "deploy/shop", "-o", "jsonpath={.status.readyReplicas}"); got != "" {
		t.Errorf("%s pods are ready before the migration", got)
	}
	ns.apply(t, strings.Join(byWave[0], "\n---\n"))
	ns.healthy(t, 0)
	ns.healthy(t, 1)
}

// healthy waits until what a wave has is healthy, as Argo CD judges it.
func (n *namespace) healthy(t *testing.T, wave int) {
	t.Helper()
	switch wave {
	case -1:
		n.kubectl(t, "rollout", "status", "deploy/postgres", "--timeout=3m")
	case 0:
		n.kubectl(t, "wait", "job/migrate", "--for=condition=Complete", "--timeout=3m")
	case 1:
		n.kubectl(t, "rollout", "status", "deploy/shop", "--timeout=3m")
	}
}

func (n *namespace) shopVersion(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(n.kubectl(t, "exec", "deploy/postgres", "--", "psql", "-U", "shop", "-d", "shop", "-tAc", "SELECT version FROM schema_migrations WHERE NOT dirty"))
}
