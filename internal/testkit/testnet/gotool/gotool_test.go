//go:build integration

package gotool

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestBuild: a program that is there is complete, although others build it at the
// same time and an earlier build was killed.
func TestBuild(t *testing.T) {
	cache := t.TempDir()
	for _, name := range []string{"GOCACHE", "GOMODCACHE"} { // the build must still find these
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv(name, strings.TrimSpace(string(out)))
	}
	t.Setenv("XDG_CACHE_HOME", cache)
	const pkg = "github.com/rogpeppe/go-internal/cmd/txtar-c@v1.16.0" // a module of our go.mod
	dir := filepath.Join(cache, "initbox-test", "github.com_rogpeppe_go-internal_cmd_txtar-c_v1.16.0")
	left := filepath.Join(dir, "unfinished", "txtar-c")
	if err := os.MkdirAll(filepath.Dir(left), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(left, []byte("half"), 0o755); err != nil {
		t.Fatal(err)
	}
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			program, err := Build(pkg)
			if err != nil {
				t.Error(err)
				return
			}
			if out, err := exec.Command(program, dir).CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", program, err, out)
			}
		})
	}
	wait.Wait()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("the folder has %v (%v), want the program only", entries, err)
	}
}
