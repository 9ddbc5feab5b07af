package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/e2e/image"
	"github.com/initbox/initbox/e2e/kube"
)

const kustomizeExamples = "../../examples/kustomize"

// copyKustomize returns a copy of the example that a test may change, and its overlay.
func copyKustomize(t *testing.T) (overlay string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(kustomizeExamples)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "overlay")
}

// TestKustomize: the component adds its init containers to the Deployment with the
// label, and a new migration replaces the pods.
func TestKustomize(t *testing.T) {
	t.Parallel()
	ns := kube.New(t).Namespace(t, kube.Restricted)
	overlay := copyKustomize(t)
	apply := func() {
		t.Helper()
		kubectl(t, ns, "apply", "--server-side", "--validate=strict", "-k", overlay)
		rollout(t, ns, "shop")
	}
	apply()
	if got := shopVersion(t, ns, "postgres"); got != "2" {
		t.Errorf("the database is at version %q, want 2", got)
	}
	names := "jsonpath={.spec.template.spec.initContainers[*].name}"
	if got := kubectl(t, ns, "get", "deploy/shop", "-o", names); got != "wait-for-database migrate" {
		t.Errorf("shop has the init containers %q", got)
	}
	if got := kubectl(t, ns, "get", "deploy/postgres", "-o", names); got != "" {
		t.Errorf("postgres, which has no label, has the init containers %q", got)
	}

	generation := "jsonpath={.metadata.generation}"
	before := kubectl(t, ns, "get", "deploy/shop", "-o", generation)
	apply()
	if got := kubectl(t, ns, "get", "deploy/shop", "-o", generation); got != before {
		t.Errorf("applied again, the Deployment went from generation %s to %s", before, got)
	}
	if err := os.WriteFile(filepath.Join(overlay, "migrations", "3_add_customer.up.sql"), []byte("ALTER TABLE orders ADD COLUMN customer text;\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	const last = "      - migrations/2_add_price.up.sql\n"
	edit{"kustomization.yaml", last, last + "      - migrations/3_add_customer.up.sql\n"}.in(t, overlay)
	apply()
	if got := shopVersion(t, ns, "postgres"); got != "3" {
		t.Errorf("the database is at version %q, want 3", got)
	}
}

// TestKustomizeImage: images: of an overlay applies to the containers that the component adds.
func TestKustomizeImage(t *testing.T) {
	t.Parallel()
	overlay := copyKustomize(t)
	edit{"kustomization.yaml", "    newTag: dev\n", "    newTag: v1.2.3\n"}.in(t, overlay)
	edit{"kustomization.yaml", "    newName: initbox  ", "    newName: registry.example/initbox  "}.in(t, overlay)
	got, err := kube.New(t).Kubectl(t, "", "kustomize", overlay)
	if err != nil {
		t.Fatal(err, got)
	}
	if strings.Count(got, "image: registry.example/initbox:v1.2.3\n") != 2 || strings.Contains(got, image.Name) {
		t.Errorf("not both containers have the image:\n%s", got)
	}
}
