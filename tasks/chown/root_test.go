package chown

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/tasks"
)

func TestMkdirProtected(t *testing.T) {
	base := t.TempDir()
	made := fmt.Sprintf("/usr/.initbox-test-%d", os.Getpid())
	t.Cleanup(func() { os.RemoveAll(made) })
	link := filepath.Join(base, "link")
	if err := os.Symlink("/usr", link); err != nil {
		t.Fatal(err)
	}
	for _, p := range []string{made, made + "/a/b", filepath.Join(link, filepath.Base(made), "a")} {
		task := newTask(p)
		task.Mkdir = true
		o := testtask.Run(t.Context(), task)
		want(t, o, 0, "belongs to the system", "--force")
		if tasks.KindOf(o.Err) != tasks.Usage {
			t.Errorf("%s: not a usage error: %s", p, o.Text())
		}
		if _, err := os.Lstat(made); err == nil {
			t.Fatalf("%s was refused after %s was made", p, made)
		}
	}

	// Up from a directory that is not there, to where nobody has looked.
	task := newTask(base + "/new/../../x")
	task.Mkdir = true
	want(t, testtask.Run(t.Context(), task), 0, `goes up with ".." from `+base+"/new")
	if _, err := os.Lstat(filepath.Join(base, "new")); err == nil {
		t.Error("a path was refused after a part of it was made")
	}
	task.Paths = []string{base + "/./../" + filepath.Base(base) + "//new/"}
	want(t, testtask.Run(t.Context(), task), 2)
	wantRight(t, true, base, "new")
}

// TestRefusedFirst names good paths before one that is refused.
func TestRefusedFirst(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "a/f")
	good := filepath.Join(root, "a")
	before := openFiles(t)
	o := testtask.Run(t.Context(), newTask(good, "/proc/self/root"))
	want(t, o, 0, "belongs to the system")
	if tasks.KindOf(o.Err) != tasks.Usage {
		t.Errorf("not a usage error: %s", o.Text())
	}
	if err := os.Symlink("loop", filepath.Join(root, "loop")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"missing", "a/f/below-a-file", "loop/x"} {
		o = testtask.Run(t.Context(), newTask(good, filepath.Join(root, name)))
		want(t, o, 0, name+" does not exist")
		if tasks.KindOf(o.Err) != tasks.Usage {
			t.Errorf("not a usage error: %s", o.Text())
		}
	}
	wantRight(t, false, root, "a", "a/f")

	task := newTask(filepath.Join(root, "new"), "/usr/bin")
	task.Mkdir = true
	want(t, testtask.Run(t.Context(), task), 0, "belongs to the system")
	if _, err := os.Lstat(filepath.Join(root, "new")); err == nil {
		t.Error("a directory was made before a later path was refused")
	}
	noLeak(t, before)
}

// TestDryRunCounts compares what a dry-run says with what a run does.
func TestDryRunCounts(t *testing.T) {
	for name, c := range map[string]struct {
		paths   []string
		changes int64
	}{
		"one":            {[]string{"m/a/b"}, 4},
		"common parents": {[]string{"m/a", "m/b"}, 5},
		"inside":         {[]string{"m/a", "m/a/b"}, 5},
		"the same":       {[]string{"m/a", "m/./a/"}, 3},
		"hard links":     {[]string{"links"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, "links/f")
			if err := os.Link(filepath.Join(root, "links/f"), filepath.Join(root, "links/g")); err != nil {
				t.Fatal(err)
			}
			task := newTask()
			task.Mkdir, task.Jobs = true, 1
			for _, p := range c.paths {
				task.Paths = append(task.Paths, root+"/"+p)
			}
			dry := testtask.Run(t.Context(), task, testtask.DryRun)
			want(t, dry, c.changes)
			if name == "hard links" {
				mention(t, dry.Text(), "files with other names (hard links) would be changed", "files=1", "2 would change")
			}
			if _, err := os.Lstat(filepath.Join(root, "m")); err == nil {
				t.Error("the dry-run has made a directory")
			}
			want(t, testtask.Run(t.Context(), task), c.changes)
			want(t, testtask.Run(t.Context(), task, testtask.DryRun), 0)
		})
	}
}

// TestMkdirDryRunOwner: what is made by its future owner needs no change.
func TestMkdirDryRunOwner(t *testing.T) {
	root := t.TempDir()
	task := newTask(filepath.Join(root, "own"))
	task.Mkdir, task.DirMode, task.FileMode = true, "0755", ""
	task.Owner = fmt.Sprintf("%d:%d", os.Geteuid(), os.Getegid())
	want(t, testtask.Run(t.Context(), task, testtask.DryRun), 1)
	want(t, testtask.Run(t.Context(), task), 1)
}

func TestMkdirUmask(t *testing.T) {
	root := t.TempDir()
	if err := unix.Chmod(root, 0o2755); err != nil {
		t.Fatal(err)
	}
	old := unix.Umask(0o077)
	defer unix.Umask(old)
	task := newTask(filepath.Join(root, "x/y/z"))
	task.Mkdir = true
	want(t, testtask.Run(t.Context(), task), 4)
	for _, name := range []string{"x", "x/y"} {
		if mode := lstat(t, filepath.Join(root, name)).Mode & 0o7777; mode != 0o2755 {
			t.Errorf("%s: mode %o, want 2755, whatever the umask", name, mode)
		}
	}
}
