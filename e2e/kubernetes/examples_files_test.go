package kubernetes

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/initbox/initbox/e2e/kube"
)

// elsewhere are the folders whose files other tests cover.
var elsewhere = []string{"demo", "helm", "kustomize", "argocd"}

// TestExampleFilesAreCovered fails for a file that no test uses.
func TestExampleFilesAreCovered(t *testing.T) {
	covered := []string{"README.md", "plan.schema.json"}
	for _, e := range examples {
		for _, file := range slices.Concat(e.files, e.uses, []string{"README.md"}) {
			covered = append(covered, filepath.Join(e.folder, file))
		}
	}
	var found []string
	err := fs.WalkDir(os.DirFS(examplesFolder), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(elsewhere, path):
			return fs.SkipDir
		case !entry.IsDir():
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range found {
		if !slices.Contains(covered, file) {
			t.Errorf("examples/%s is used by no test: name it in the list of examples", file)
		}
	}
	for _, file := range covered {
		if !slices.Contains(found, file) {
			t.Errorf("examples/%s is in the list of examples, but not there", file)
		}
	}
}

// TestExampleDatabasesAreTheSame fails if the stand-ins for databases differ. There are
// several, because each folder must be complete.
func TestExampleDatabasesAreTheSame(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examplesFolder, "*", "postgres.yaml"))
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	first := read(t, files[0])
	for _, file := range files[1:] {
		if !bytes.Equal(first, read(t, file)) {
			t.Errorf("%s differs from %s", file, files[0])
		}
	}
}

var modeline = regexp.MustCompile(`^# yaml-language-server: \$schema=(\S+)\n`)

// TestExampleModeline fails if an editor would not find the schema of the plan.
func TestExampleModeline(t *testing.T) {
	plan := filepath.Join(examplesFolder, "run-plan", "plan.yaml")
	m := modeline.FindSubmatch(read(t, plan))
	if m == nil {
		t.Fatalf("%s does not begin with a modeline", plan)
	}
	read(t, filepath.Join(filepath.Dir(plan), string(m[1])))
}

// TestExampleIndex fails if a folder is missing in the index, or in README.md.
func TestExampleIndex(t *testing.T) {
	for page, prefix := range map[string]string{filepath.Join(examplesFolder, "README.md"): "](", "../../README.md": "](examples/"} {
		text := string(read(t, page))
		for _, e := range examples {
			if !strings.Contains(text, prefix+e.folder+")") {
				t.Errorf("%s has no link to %s", page, e.folder)
			}
		}
	}
}

// TestExampleMakeSecret makes a new Secret, as the page says, and starts the example
// with it.
func TestExampleMakeSecret(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("openssl"); err != nil {
		t.Fatalf("%v: make-secret.sh needs it; apt-get install openssl", err)
	}
	folder := filepath.Join(examplesFolder, "verify-certificates")
	secret, err := exec.CommandContext(t.Context(), filepath.Join(folder, "make-secret.sh")).Output()
	if err != nil {
		t.Fatalf("make-secret.sh: %v", err)
	}
	if bytes.Equal(secret, read(t, filepath.Join(folder, "secret.yaml"))) {
		t.Fatal("make-secret.sh made the same key twice")
	}
	ns := kube.New(t).Namespace(t, kube.Restricted)
	ns.Apply(t, string(secret))
	ns.ApplyFiles(t, filepath.Join(folder, "deployment.yaml"))
	ns.WaitPods(t, "app=shop", 1, kube.Ready)
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
