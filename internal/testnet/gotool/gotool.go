// Package gotool builds the Go programs of others that tests and benchmarks work
// with, once, and keeps them in the user's cache. They are in nobody's go.mod.
package gotool

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
)

// Build returns the path of the program that pkg, "example.com/m/cmd/x@v1.2.3", is
// built to with build tags.
func Build(pkg string, tags ...string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	name, version, _ := strings.Cut(pkg, "@")
	folder := strings.NewReplacer("/", "_", "@", "_").Replace(name) + "_" + strings.Join(append([]string{version}, tags...), "_")
	dir := filepath.Join(cache, "initbox-test", folder)
	base := path.Base(name)
	if strings.HasPrefix(base, "v") && strings.Trim(base[1:], "0123456789") == "" { // example.com/x/v2
		base = path.Base(path.Dir(name))
	}
	program := filepath.Join(dir, base)
	if _, err := os.Stat(program); err == nil {
		return program, nil
	}
	cmd := exec.Command("go", "install", "-tags="+strings.Join(tags, " "), pkg)
	cmd.Dir = os.TempDir() // outside of any module
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go install %s: %w\n%s", pkg, err, out)
	}
	return program, nil
}
