package dirfd

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// open opens the directory at path and closes it at the end of the test.
func open(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func TestOpenDirFollowsNoLink(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, to := range map[string]string{"out": "/", "up": "..", "in": "a", "a/l": "b"} {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	dir := open(t, root)
	for _, opener := range []func(int, string) (int, error){OpenDir, openByStep} {
		for _, path := range []string{".", "a", "a/b"} {
			fd, err := opener(dir, path)
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			unix.Close(fd)
		}
		for _, path := range []string{"out", "up", "in", "in/b", "a/l", "out/etc", "up/x", "a/../..", "nope", "a/b/nope"} {
			if fd, err := opener(dir, path); err == nil {
				unix.Close(fd)
				t.Errorf("%s was opened", path)
			}
		}
	}
}

func TestDeeperThanPathMax(t *testing.T) {
	dir := open(t, t.TempDir())
	var path []string
	at := dir
	for i := range 700 {
		name := fmt.Sprintf("level-%04d", i)
		if err := unix.Mkdirat(at, name, 0o755); err != nil {
			t.Fatal(err)
		}
		next, err := Open(at, name, dirFlags, 0)
		if err != nil {
			t.Fatal(err)
		}
		closeOther(at, dir)
		at, path = next, append(path, name)
	}
	var want, got unix.Stat_t
	if err := Fstat(at, &want); err != nil {
		t.Fatal(err)
	}
	closeOther(at, dir)
	fd, err := OpenDir(dir, strings.Join(path, "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := Fstat(fd, &got); err != nil || got.Ino != want.Ino {
		t.Errorf("opened another directory: %v", err)
	}
}

func TestList(t *testing.T) {
	root := t.TempDir()
	want := []string{"link 10", "sub 4"}
	for i := range 3000 { // more than one buffer
		name := fmt.Sprintf("f\n\xff%d", i)
		want = append(want, fmt.Sprintf("%s %d", name, Regular))
		if err := os.WriteFile(filepath.Join(root, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Mkdir(filepath.Join(root, "sub"), 0o755), os.Symlink("x", filepath.Join(root, "link"))); err != nil {
		t.Fatal(err)
	}
	dir := open(t, root)
	var got []string
	err := List(dir, make([]byte, 4096), func(name []byte, kind byte) error {
		var st unix.Stat_t
		if err := Stat(dir, string(name), &st); err != nil || KindOf(st.Mode) != kind {
			return fmt.Errorf("%q: kind %d, mode %o, %v", name, kind, st.Mode, err)
		}
		got = append(got, fmt.Sprintf("%s %d", name, kind))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %d entries, want %d", len(got), len(want))
	}
}

func TestLock(t *testing.T) {
	root := t.TempDir()
	first, second := open(t, root), open(t, root)
	never := func() { t.Error("waited for a lock that is free") }
	if err := Lock(t.Context(), first, never); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	waited := false
	if err := Lock(ctx, second, func() { waited = true }); !errors.Is(err, context.DeadlineExceeded) || !waited {
		t.Errorf("got %v, waited %v", err, waited)
	}
	if err := unix.Flock(first, unix.LOCK_UN); err != nil {
		t.Fatal(err)
	}
	if err := Lock(t.Context(), second, never); err != nil {
		t.Error(err)
	}
}

func TestName(t *testing.T) {
	root := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(root, "d"), 0o700), os.Symlink("d", filepath.Join(root, "l"))); err != nil {
		t.Fatal(err)
	}
	dir := open(t, root)
	first, rest := CutName("d\x00l\x00")
	second, rest := CutName(rest)
	if first.String() != "d" || second.String() != "l" || rest != "" {
		t.Fatalf("got %q, %q and %q", first, second, rest)
	}
	missing, _ := CutName("missing\x00")
	var st unix.Statx_t
	for _, c := range []struct {
		name Name
		kind uint16
		err  error
	}{
		{first, unix.S_IFDIR, nil}, {second, unix.S_IFLNK, nil}, {missing, 0, unix.ENOENT}, {Name{}, 0, unix.ENOENT},
	} {
		st.Mode = 0
		if err := c.name.Statx(dir, unix.STATX_TYPE, &st); err != c.err || st.Mode&unix.S_IFMT != c.kind {
			t.Errorf("%q: got %o, %v", c.name, st.Mode, err)
		}
		if err := c.name.Chown(dir, uint32(os.Getuid()), uint32(os.Getgid())); err != c.err {
			t.Errorf("%q: got %v", c.name, err)
		}
	}
}

// TestNameChownsTheLinkItself needs a user who may give files away to see what
// has changed.
func TestNameChownsTheLinkItself(t *testing.T) {
	if os.Geteuid() != 0 {
		if testing.Short() {
			t.Skip("only root can give files away, and -short does without")
		}
		t.Fatal("only root can give files away: run the tests as root, or with -short")
	}
	root := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(root, "d"), 0o700), os.Symlink("d", filepath.Join(root, "l"))); err != nil {
		t.Fatal(err)
	}
	dir := open(t, root)
	link, _ := CutName("l\x00")
	if err := link.Chown(dir, 77, 78); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]uint32{"l": 77, "d": 0} {
		var st unix.Stat_t
		if err := Stat(dir, name, &st); err != nil || st.Uid != want {
			t.Errorf("%s belongs to %d (%v)", name, st.Uid, err)
		}
	}
}
