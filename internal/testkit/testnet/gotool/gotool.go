// Package gotool builds Go programs of other projects that tests and benchmarks
// use, once, and keeps them in the user's cache folder. They are in no go.mod of
// ours.
package gotool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// Build returns the path of the program that pkg, such as
// "example.com/m/cmd/x@v1.2.3", is built to with the given build tags. It builds
// the program if the cache does not have it.
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
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	lock, err := os.Open(dir)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := dirfd.Lock(context.Background(), int(lock.Fd()), func() {}); err != nil {
		return "", fmt.Errorf("lock %s: %w", dir, err)
	}
	if _, err := os.Stat(program); err == nil { // the previous holder of the lock has built it
		return program, nil
	}
	return program, install(pkg, tags, program)
}

// install builds pkg in a folder next to program and moves it there when it is
// complete.
func install(pkg string, tags []string, program string) error {
	unfinished := filepath.Join(filepath.Dir(program), "unfinished")
	if err := os.RemoveAll(unfinished); err != nil {
		return err
	}
	cmd := exec.Command("go", "install", "-tags="+strings.Join(tags, " "), pkg)
	cmd.Dir = os.TempDir() // outside of any module
	cmd.Env = append(os.Environ(), "GOBIN="+unfinished, "GOFLAGS=-mod=mod", "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go install %s: %w\n%s", pkg, err, out)
	}
	if err := os.Rename(filepath.Join(unfinished, filepath.Base(program)), program); err != nil {
		return err
	}
	return os.Remove(unfinished)
}
