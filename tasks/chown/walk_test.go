package chown

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// deep makes levels directories, one in the other, each with files of other
// names beside it and, if broad, an empty directory.
func deep(t *testing.T, root string, levels, files int, broad bool) {
	t.Helper()
	name := "f"
	if files > 100 {
		name = strings.Repeat("f", 200) // more pages for fewer files
	}
	at, err := unix.Open(root, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	for level := range levels {
		for i := range files {
			if err == nil {
				err = unix.Mknodat(at, name+fmt.Sprint(i), unix.S_IFREG|0o644, 0)
			}
		}
		if err == nil && broad {
			err = unix.Mkdirat(at, "side", 0o755)
		}
		next := -1
		deeper := fmt.Sprint(level) // of many names about half are listed before "side"
		if err == nil {
			err = unix.Mkdirat(at, deeper, 0o755)
		}
		if err == nil {
			next, err = unix.Openat(at, deeper, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		}
		unix.Close(at)
		at = next
		if err != nil {
			t.Fatal(err)
		}
	}
	unix.Close(at)
}

func TestDeepTree(t *testing.T) {
	root := t.TempDir()
	deep(t, root, 4000, 0, false)
	want(t, testtask.Run(t.Context(), newTask(root)), 1+4000)
	want(t, testtask.Run(t.Context(), newTask(root)), 0)
}

// TestFewDescriptors walks a tree, broad and deep, that would need more than
// there are if every directory stayed open that has something left.
func TestFewDescriptors(t *testing.T) {
	root := area(t)
	deep(t, root, 1500, 1, true)
	for _, jobs := range []int{1, 64} {
		t.Run(fmt.Sprint(jobs), func(t *testing.T) {
			task := newTask(root)
			task.Jobs = jobs
			task.FileMode, task.DirMode = fmt.Sprintf("06%02o", jobs%8), fmt.Sprintf("07%02o", jobs%8)
			out, ok := elsewhere(t, request{Task: task, Limit: 48}, func(*exec.Cmd) {})
			if !ok || !strings.Contains(out, "4501 entries seen, 4501 changed") {
				t.Error(out)
			}
		})
	}
	// The rest of a listing is found again after its directory was parked.
	flat := area(t)
	deep(t, flat, 60, 170, true)
	task := newTask(flat)
	out, ok := elsewhere(t, request{Task: task, Limit: 48}, func(*exec.Cmd) {})
	if !ok || !strings.Contains(out, fmt.Sprintf("%d entries seen, %[1]d changed", 1+60*172)) {
		t.Error(out)
	}
}

func TestFlatDirectory(t *testing.T) {
	root := t.TempDir()
	deep(t, root, 1, 20000, false)
	before := openFiles(t)
	want(t, testtask.Run(t.Context(), newTask(root)), 20002)
	want(t, testtask.Run(t.Context(), newTask(root)), 0)
	noLeak(t, before)
}

// A leak is what a run might leave behind.
type leak struct{ descriptors, goroutines int }

func openFiles(t *testing.T) leak {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return leak{len(entries), runtime.NumGoroutine()}
}

func noLeak(t *testing.T, before leak) {
	t.Helper()
	after := openFiles(t)
	for end := time.Now().Add(testtime.Patience / 4); after.goroutines > before.goroutines && time.Now().Before(end); after = openFiles(t) {
		time.Sleep(time.Millisecond)
	}
	if after.descriptors > before.descriptors || after.goroutines > before.goroutines {
		t.Errorf("before %+v, after %+v", before, after)
	}
}

func TestCancel(t *testing.T) {
	root := t.TempDir()
	deep(t, root, 100, 100, true)
	const total = 1 + 100*102
	before := openFiles(t)
	for _, after := range []int64{0, 1, 100, 5000} {
		const bound = 2 * time.Second
		took := testtime.Best(bound, func() time.Duration {
			task := newTask(root)
			task.Jobs = 4
			task.FileMode, task.DirMode = "0644", "0755" // so that everything is to be done
			if o := testtask.Run(t.Context(), task); o.Err != nil {
				t.Fatal(o.Text())
			}
			task.FileMode, task.DirMode = fmt.Sprintf("06%02o", after%63), fmt.Sprintf("07%02o", after%63)
			o, took := cancelled(t, task, after)
			if o.Err == nil { // a busy machine let it end before whoever cancels it had a turn
				return time.Hour
			}
			if !errors.Is(o.Err, context.Canceled) {
				t.Errorf("after %d changes: %s", after, o.Text())
			}
			if o.Changes >= total {
				t.Errorf("after %d changes it went on to %d", after, o.Changes)
			}
			if right(t, root) && os.Geteuid() == 0 && lstat(t, root).Mode&0o777 == 0o700|uint32(after%63) {
				t.Error("the root says that the tree is done")
			}
			noLeak(t, before)
			return took
		})
		if took > bound {
			t.Errorf("after %d changes it went on for %v", after, took)
		}
	}
}

// cancelled runs task until it has made so many changes, and returns how long it
// took to end then.
func cancelled(t *testing.T, task *Task, after int64) (testtask.Outcome, time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var over atomic.Bool
	var stopped time.Time
	o := testtask.Run(ctx, task, func(env *tasks.Env) {
		go func() {
			defer cancel()
			for env.Changes() < after && !over.Load() {
				runtime.Gosched()
			}
			stopped = time.Now()
		}()
	})
	ended := time.Now()
	over.Store(true)
	<-ctx.Done()
	return o, ended.Sub(stopped)
}

// TestMoved lets a directory that is parked be replaced: what is found in its
// place must not be taken for it.
func TestMoved(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "a/f", "b/f")
	w := &walk{root: &dir{name: root, fd: openDir(t, root)}, budget: budget{1, 10}}
	defer unix.Close(w.root.fd)
	st := lstat(t, filepath.Join(root, "a"))
	d := w.root.child("a")
	d.fd, d.ino, d.mount = -1, st.Ino, mountOf(t, root)
	if _, err := w.reopen(d); err != nil {
		t.Fatalf("the same directory: %v", err)
	}
	w.closeDir(d)
	if err := os.Rename(filepath.Join(root, "a"), filepath.Join(root, "c")); err != nil {
		t.Fatal(err)
	}
	for _, plot := range []func() error{
		func() error { return nil },
		func() error { return os.Symlink("c", filepath.Join(root, "a")) },
		func() error { return os.Remove(filepath.Join(root, "a")) },
		func() error { return os.Rename(filepath.Join(root, "b"), filepath.Join(root, "a")) },
	} {
		if err := plot(); err != nil {
			t.Fatal(err)
		}
		d.lost = false
		if news, err := w.reopen(d); err != errMoved || !news || d.fd >= 0 {
			t.Errorf("got %v, %v, %d", news, err, d.fd)
		}
		if news, err := w.reopen(d); err != errMoved || news {
			t.Errorf("the second time: got %v, %v", news, err)
		}
	}
}

func openDir(t *testing.T, path string) int {
	t.Helper()
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	return fd
}

func TestPath(t *testing.T) {
	slash, data := &dir{name: "/", size: 1}, &dir{name: "data", size: 4}
	for _, c := range []struct {
		d               *dir
		name, path, rel string
	}{
		{slash, "", "/", ""}, {slash, "a", "/a", "a"}, {slash.child("a"), "b", "/a/b", "a/b"},
		{data, "", "data", ""}, {data, "f", "data/f", "f"}, {data.child("x"), "", "data/x", "x"},
		{data.child("x").child("y"), "z", "data/x/y/z", "x/y/z"},
	} {
		if p, r := c.d.path(c.name), c.d.rel(c.name); p != c.path || r != c.rel {
			t.Errorf("got %q and %q, want %q and %q", p, r, c.path, c.rel)
		}
	}
}

// TestRestWaits: what a listing has given is done before more of it is read.
func TestRestWaits(t *testing.T) {
	root := t.TempDir()
	deep(t, root, 1, 1000, false)
	var want, got []int // the page of each entry
	page := make(map[string]int)
	fd, n := openDir(t, root), 0
	defer unix.Close(fd)
	for more := true; more; n++ {
		var err error
		_, more, err = dirfd.ListPage(fd, make([]byte, dirfd.ListBuffer), func(name []byte, _ byte) error {
			want, page[filepath.Join(root, string(name))] = append(want, n), n
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	task := newTask(root)
	task.Jobs = 1
	o := testtask.Run(t.Context(), task, testtask.DryRun, func(env *tasks.Env) { env.ListAll = true })
	for line := range strings.Lines(o.Log) {
		if _, target, ok := strings.Cut(strings.TrimSpace(line), "target="); ok && target != root {
			got = append(got, page[target])
		}
	}
	if !slices.Equal(got, want) || n < 4 {
		t.Errorf("the pages of the entries are %v, want %v", got, want)
	}
}
