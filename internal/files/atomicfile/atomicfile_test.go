package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/fileperm"
)

func openDir(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func plain(mode uint32) Attributes {
	return Attributes{Mode: mode, UID: fileperm.Keep, GID: fileperm.Keep}
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestNames(t *testing.T) {
	seen := make(map[string]bool)
	for range 100 {
		n := NewName()
		if !IsTemp(n) || seen[n] {
			t.Fatalf("%q", n)
		}
		seen[n] = true
	}
	for _, n := range []string{"", ".initbox-.tmp", ".initbox-0123456789abcde.tmp", ".initbox-0123456789abcdeG.tmp", "x.initbox-0123456789abcdef.tmp", ".initbox-manifest-0123456789abcdef"} {
		if IsTemp(n) {
			t.Errorf("%q is taken for a temporary file", n)
		}
	}
}

func TestWriteFileReplacesWhatIsThere(t *testing.T) {
	dir := t.TempDir()
	fd := openDir(t, dir)
	outside := filepath.Join(t.TempDir(), "x")
	if err := errors.Join(os.WriteFile(outside, []byte("precious"), 0o600), os.Symlink(outside, filepath.Join(dir, "f"))); err != nil {
		t.Fatal(err)
	}
	own := plain(0o640)
	own.Own, own.UID, own.GID = true, uint32(os.Getuid()), uint32(os.Getgid())
	if err := WriteFile(fd, "f", []byte("new"), own, true); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(filepath.Join(dir, "f"))
	if err != nil || info.Mode() != 0o640 || len(names(t, dir)) != 1 {
		t.Errorf("%v, %v, %v", info.Mode(), err, names(t, dir))
	}
	if data, err := os.ReadFile(outside); err != nil || string(data) != "precious" {
		t.Errorf("%q, %v", data, err)
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(fd, "d", nil, plain(0o600), false); !errors.Is(err, unix.EISDIR) || len(names(t, dir)) != 2 {
		t.Errorf("%v, %v", err, names(t, dir))
	}
}

// A file gets its name only after it was written to the disk: a crash would leave
// an empty one in place of the old one.
func TestCommitSyncsFirst(t *testing.T) {
	dir := t.TempDir()
	fd, path := openDir(t, dir), filepath.Join(dir, "f")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		sync bool
		err  error
		want string
	}{{true, unix.EBADF, "old"}, {false, nil, "new"}} {
		temp, err := Create(fd)
		if err != nil {
			t.Fatal(err)
		}
		_, err = unix.Write(temp.FD, []byte("new"))
		blind, openErr := unix.Open(dir, unix.O_PATH|unix.O_CLOEXEC, 0) // no fsync(2) takes it
		if err := errors.Join(err, openErr, unix.Dup3(blind, temp.FD, unix.O_CLOEXEC), unix.Close(blind)); err != nil {
			t.Fatal(err)
		}
		if err := temp.Commit("f", c.sync); !errors.Is(err, c.err) {
			t.Errorf("sync %v: %v", c.sync, err)
		}
		if data, err := os.ReadFile(path); err != nil || string(data) != c.want || len(names(t, dir)) != 1 {
			t.Errorf("sync %v: %q, %v, %v", c.sync, data, err, names(t, dir))
		}
	}
}

func TestMkdir(t *testing.T) {
	dir := t.TempDir()
	fd := openDir(t, dir)
	if err := os.Chmod(dir, 0o777|os.ModeSetgid); err != nil {
		t.Fatal(err)
	}
	if err := Mkdir(fd, "e", plain(0o750), true); err != nil {
		t.Fatal(err)
	}
	inherit := plain(0o750)
	inherit.Inherit = true
	if err := Mkdir(fd, "d", inherit, true); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"d": 0o750 | os.ModeSetgid, "e": 0o750} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode() != want|os.ModeDir {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "d/f"), nil, 0o600), os.Symlink("d", filepath.Join(dir, "l"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]error{"d": unix.ENOTEMPTY, "l": unix.ENOTDIR} {
		if err := Mkdir(fd, name, plain(0o750), false); !errors.Is(err, want) && !errors.Is(err, unix.EEXIST) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if got := names(t, dir); len(got) != 3 {
		t.Error(got)
	}
}

func TestRemoveAllFollowsNoLink(t *testing.T) {
	dir, outside := t.TempDir(), t.TempDir()
	fd := openDir(t, dir)
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "d/e/f"), 0o755), os.WriteFile(filepath.Join(outside, "x"), nil, 0o600),
		os.Symlink(outside, filepath.Join(dir, "d/e/l")), os.Symlink(outside, filepath.Join(dir, "l"))); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"d", "l", "nope"} {
		if err := RemoveAll(fd, name); err != nil {
			t.Error(err)
		}
	}
	if len(names(t, dir)) != 0 || len(names(t, outside)) != 1 {
		t.Error(names(t, dir), names(t, outside))
	}
}

func TestSymlink(t *testing.T) {
	dir := t.TempDir()
	fd := openDir(t, dir)
	for _, target := range []string{"a", "b"} {
		if err := Symlink(fd, target, "l"); err != nil {
			t.Fatal(err)
		}
		if got, err := os.Readlink(filepath.Join(dir, "l")); err != nil || got != target {
			t.Errorf("%q, %v", got, err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Symlink(fd, "a", "d"); err == nil || len(names(t, dir)) != 2 {
		t.Error(err, names(t, dir))
	}
}
