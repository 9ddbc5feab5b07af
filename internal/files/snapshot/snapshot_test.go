package snapshot

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o640); err != nil {
		t.Fatal(err)
	}
}

func link(t *testing.T, to, path string) {
	t.Helper()
	if err := os.Symlink(to, path); err != nil {
		t.Fatal(err)
	}
}

// mount makes a mount as kubelet does, with the version v1.
func mount(t *testing.T) string {
	dir := t.TempDir()
	write(t, dir+"/..v1/a", "one")
	write(t, dir+"/..v2/a", "two")
	link(t, "..v1", dir+"/..data")
	link(t, "..data/a", dir+"/a")
	return dir
}

func TestReadsOneVersion(t *testing.T) {
	dir := mount(t)
	var r Reader
	defer r.Close()
	for range 2 {
		f, err := r.Read(dir+"/a", 100)
		if err != nil || string(f.Data) != "one" || f.Mode != 0o640 || f.UID != uint32(os.Getuid()) {
			t.Fatalf("%+v, %v", f, err)
		}
		if err := os.Remove(dir + "/..data"); err != nil {
			t.Fatal(err)
		}
		link(t, "..v2", dir+"/..data")
	}
	r.Close()
	if f, err := r.Read(dir+"/a", 100); err != nil || string(f.Data) != "two" {
		t.Errorf("after Close: %+v, %v", f, err)
	}
}

// A file beside the mount's own, as a subPath makes it, and a directory that is
// no mount, whose links may lead anywhere.
func TestReadsOtherFiles(t *testing.T) {
	dir, plain := mount(t), t.TempDir()
	write(t, dir+"/beside", "x")
	link(t, dir+"/beside", plain+"/link")
	var r Reader
	defer r.Close()
	for _, p := range []string{dir + "/beside", plain + "/link"} {
		if f, err := r.Read(p, 100); err != nil || string(f.Data) != "x" {
			t.Errorf("%s: %+v, %v", p, f, err)
		}
	}
}

func TestRefuses(t *testing.T) {
	dir := t.TempDir()
	write(t, dir+"/large", "12345")
	if err := syscall.Mkfifo(dir+"/fifo", 0o600); err != nil {
		t.Fatal(err)
	}
	var r Reader
	defer r.Close()
	for name, want := range map[string]string{"fifo": "not a regular file", ".": "is a directory", "large": "too large", "none": "no such file"} {
		if _, err := r.Read(filepath.Join(dir, name), 4); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if _, err := r.Read(dir+"/none", 4); !errors.Is(err, fs.ErrNotExist) {
		t.Error("the system's error is lost")
	}
}

func TestList(t *testing.T) {
	dir := mount(t)
	write(t, dir+"/sub/x", "")
	write(t, dir+"/b.pem", "")
	link(t, "b.pem", dir+"/0123abcd.0")
	var r Reader
	got, err := r.List(dir)
	if want := []string{dir + "/a", dir + "/b.pem"}; err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v; want %v", got, err, want)
	}
}
