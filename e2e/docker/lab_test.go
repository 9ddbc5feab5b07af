// Package docker tests the image as users run it: with Docker, from the Dockerfile,
// on an engine that the tests start.
package docker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/image"
	"github.com/initbox/initbox/e2e/internal/command"
)

// A lab is an engine with the image in it. All tests share it.
type lab struct {
	engine *image.Engine
	root   string // the repository's folder
	report string // what make image printed
}

var shared lab

func TestMain(m *testing.M) {
	code, err := shared.run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func (l *lab) run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if l.root, err = image.Root(ctx); err != nil {
		return 0, err
	}
	if l.engine, err = image.Start(ctx); err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, l.engine.Stop()) }()
	l.report, err = l.engine.Make(ctx, image.Build{Root: l.root, Arch: runtime.GOARCH, Args: []string{"IMAGE=" + image.Name}})
	if err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// docker runs the client, which must succeed.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := shared.engine.Docker(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(out)
}

// initbox runs the image with these options of docker run.
func initbox(t *testing.T, options []string, args ...string) command.Result {
	t.Helper()
	line := append(append([]string{"run", "--rm"}, options...), image.Name)
	r, err := shared.engine.Client(append(line, args...)...).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// want fails unless the run had this exit code and its log has all these texts.
func want(t *testing.T, r command.Result, code int, texts ...string) {
	t.Helper()
	if r.Code != code {
		t.Errorf("exit code %d, want %d\n%s", r.Code, code, r.Stderr)
	}
	for _, text := range texts {
		if !strings.Contains(r.Stderr, text) {
			t.Errorf("the log has no %q:\n%s", text, r.Stderr)
		}
	}
}

// load puts an image of package debimage into the engine.
func load(t *testing.T, name string) {
	t.Helper()
	file, err := debimage.Archive(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	docker(t, "load", "--quiet", "--input", file)
}

// detached starts a container that is removed at the end of the test.
func detached(t *testing.T, args ...string) (id string) {
	t.Helper()
	id = docker(t, append([]string{"run", "--detach"}, args...)...)
	t.Cleanup(func() {
		if _, err := shared.engine.Docker(context.Background(), "rm", "--force", "--volumes", id); err != nil {
			t.Error(err)
		}
	})
	return id
}

// contents reads what an image holds.
func contents(t *testing.T, name string) image.Contents {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.tar")
	docker(t, "save", "--output", path, name)
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	c, err := image.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// folder makes a folder of this owner and mode, with these files.
func folder(t *testing.T, uid, gid int, mode os.FileMode, files map[string]string) string {
	t.Helper()
	path := filepath.Join(open(t), "folder")
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(path, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(path, uid, gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

// open returns a temporary folder that every user may enter.
func open(t *testing.T) string {
	t.Helper()
	path := t.TempDir()
	for _, p := range []string{filepath.Dir(path), path} {
		if err := os.Chmod(p, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.TrimSpace(text))
}
