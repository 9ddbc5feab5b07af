package chown

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		change func(*Task)
		want   string
	}{
		{func(k *Task) { k.Owner, k.FileMode, k.DirMode = "", "", "" }, "nothing to change"},
		{func(k *Task) { k.Paths = nil }, "no path"},
		{func(k *Task) { k.Paths = []string{"a\x00b"} }, "no file has this name"},
		{func(k *Task) { k.Owner = "1:" }, `owner "1:": a colon without a group`},
		{func(k *Task) { k.Owner = "/data" }, `neither a number nor a name`},
		{func(k *Task) { k.FileMode = "rw" }, `--file-mode "rw": `},
		{func(k *Task) { k.DirMode = "999" }, `--dir-mode "999": a mode is octal`},
		{func(k *Task) { k.Exclude = []string{"[a"} }, `--exclude "[a": `},
	} {
		task := newTask("/data")
		c.change(task)
		if err := task.Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want an error with %q", err, c.want)
		}
	}
	all := &Task{Owner: ":", FileMode: "q", DirMode: "q", Exclude: []string{""}}
	if n := strings.Count(all.Check().Error(), "\n") + 1; n != 5 {
		t.Errorf("%d errors at once, want 5: %v", n, all.Check())
	}
	if err := newTask("/data").Check(); err != nil {
		t.Error(err)
	}
}

func TestTree(t *testing.T) {
	root := t.TempDir()
	names := []string{"a/b/c/f", "a/b/g", "a/new\nline", "a/\xff\xfe", "h", "empty/", "-R", "a/ ", strings.Repeat("n", 255)}
	plant(t, root, names...)
	dirs := []string{"", "a", "a/b", "a/b/c"}
	total := int64(len(names) + len(dirs))

	dry := testtask.Run(t.Context(), newTask(root), testtask.DryRun)
	want(t, dry, total)
	mention(t, dry.Text(), fmt.Sprintf("%d entries seen, %d would change", total, total), "further changes are only counted")
	if n := strings.Count(dry.Log, "would ch"); n != 10 {
		t.Errorf("the dry-run shows %d changes, want the first ten: %s", n, dry.Log)
	}
	wantRight(t, false, root, append(dirs, names...)...)

	first := testtask.Run(t.Context(), newTask(root))
	want(t, first, total)
	mention(t, first.Text(), fmt.Sprintf("%d entries seen, %d changed", total, total))
	wantRight(t, true, root, append(dirs, names...)...)

	before := times(t, root, names)
	second := testtask.Run(t.Context(), newTask(root))
	want(t, second, 0)
	if after := times(t, root, names); after != before {
		t.Errorf("a run without changes has touched something:\n%s\n%s", before, after)
	}
}

// times describes when names were last changed.
func times(t *testing.T, root string, names []string) string {
	t.Helper()
	text := ""
	for _, n := range names {
		st := lstat(t, filepath.Join(root, n))
		text += fmt.Sprintln(n, st.Ctim.Nano(), st.Mtim.Nano(), st.Mode)
	}
	return text
}

func TestModes(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "d/run", "d/data", "d/sub/")
	if err := os.Chmod(filepath.Join(root, "d/run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("run", filepath.Join(root, "d/link")); err != nil {
		t.Fatal(err)
	}
	task := &Task{Recursive: true, Jobs: 2, Hardlinks: linksWarn, FileMode: "u+rwX,g+rX,o=", DirMode: "2770", Paths: []string{root}}
	want(t, testtask.Run(t.Context(), task), 5)
	for name, mode := range map[string]uint32{"": 0o2770, "d": 0o2770, "d/sub": 0o2770, "d/run": 0o750, "d/data": 0o640, "d/link": 0o777} {
		if got := lstat(t, filepath.Join(root, name)).Mode & 0o7777; got != mode {
			t.Errorf("%q: mode %o, want %o", name, got, mode)
		}
	}
	want(t, testtask.Run(t.Context(), task), 0)
}

func TestNotRecursive(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "f")
	task := newTask(root, filepath.Join(root, "f"))
	task.Recursive = false
	want(t, testtask.Run(t.Context(), task), 2)
	plant(t, root, "g")
	want(t, testtask.Run(t.Context(), task), 0)
	wantRight(t, false, root, "g")
}

func TestExclude(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "lost+found/x", "a/lost+found/y", "a/keep.bak", "a/f", "b/only", "c/only")
	task := newTask(root)
	task.Exclude = []string{"lost+found", "*.bak", "b/only"}
	want(t, testtask.Run(t.Context(), task), 6)
	wantRight(t, true, root, "", "a", "a/f", "b", "c", "c/only")
	wantRight(t, false, root, "lost+found", "lost+found/x", "a/lost+found", "a/lost+found/y", "a/keep.bak", "b/only")
}

func TestMkdir(t *testing.T) {
	base := t.TempDir()
	target := filepath.Join(base, "x/y/z")
	task := newTask(target)
	want(t, testtask.Run(t.Context(), task), 0, "does not exist", "--mkdir")
	task.Mkdir = true
	want(t, testtask.Run(t.Context(), task, testtask.DryRun), 4)
	if _, err := os.Lstat(filepath.Join(base, "x")); err == nil {
		t.Error("the dry-run has made a directory")
	}
	want(t, testtask.Run(t.Context(), task), 4)
	wantRight(t, true, target, "")
	wantRight(t, false, base, "x", "x/y")
	want(t, testtask.Run(t.Context(), task), 0)

	plant(t, base, "file")
	task.Paths = []string{filepath.Join(base, "file/below")}
	want(t, testtask.Run(t.Context(), task), 0, "not a directory")
	if err := os.Symlink("nowhere", filepath.Join(base, "dangling")); err != nil {
		t.Fatal(err)
	}
	task.Paths = []string{filepath.Join(base, "dangling")}
	if o := testtask.Run(t.Context(), task); o.Err == nil {
		t.Error("a link that leads nowhere was taken for a directory")
	}
}

func TestIfRootMismatch(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "a/f")
	task := newTask(root)
	task.IfRootMismatch = true
	want(t, testtask.Run(t.Context(), task), 3)
	plant(t, root, "a/g")
	o := testtask.Run(t.Context(), task)
	want(t, o, 0)
	mention(t, o.Text(), "root is right already")
	wantRight(t, false, root, "a/g")
	task.IfRootMismatch = false
	want(t, testtask.Run(t.Context(), task), 1)
}

func TestVanishes(t *testing.T) {
	root := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ctx.Err() == nil; i++ {
			d := filepath.Join(root, fmt.Sprint(i%50))
			_ = os.Mkdir(d, 0o700) // the walk may not care, so neither do we
			_ = os.WriteFile(filepath.Join(d, "f"), nil, 0o600)
			_ = os.RemoveAll(filepath.Join(root, fmt.Sprint((i*7+3)%50)))
		}
	}()
	defer func() { cancel(); <-done }()
	deadline := time.Now().Add(testtime.Patience)
	for vanished := 0; vanished < 5; {
		o := testtask.Run(t.Context(), newTask(root))
		if o.Err != nil {
			t.Fatalf("something that vanished is an error: %s", o.Text())
		}
		if strings.Contains(o.Text(), "vanished") {
			vanished++
		}
		if time.Now().After(deadline) {
			t.Fatalf("only %d runs have seen something vanish: this test tests nothing", vanished)
		}
	}
}

func TestHardLinks(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "in/f", "outside")
	if err := os.Link(filepath.Join(root, "outside"), filepath.Join(root, "in/linked")); err != nil {
		t.Fatal(err)
	}
	task := newTask(filepath.Join(root, "in"))
	task.Hardlinks = linksFail
	want(t, testtask.Run(t.Context(), task), 1, "in/linked has 2 names", "--hardlinks=skip")
	wantRight(t, false, root, "outside", "in")
	task.Hardlinks = linksSkip
	o := testtask.Run(t.Context(), task)
	want(t, o, 1)
	mention(t, o.Text(), "1 skipped", "left alone")
	wantRight(t, false, root, "outside")
	task.Hardlinks = linksWarn
	o = testtask.Run(t.Context(), task)
	want(t, o, 1)
	mention(t, o.Text(), "hard links", "files=1")
	wantRight(t, true, root, "outside")
	want(t, testtask.Run(t.Context(), task), 0)
}

func TestSymlinks(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "tree/d/", "outside/f")
	for link, to := range map[string]string{"tree/d/dir": "../../outside", "tree/file": "../outside/f", "tree/dangling": "nowhere", "entry": "tree"} {
		if err := os.Symlink(to, filepath.Join(root, link)); err != nil {
			t.Fatal(err)
		}
	}
	task := newTask(filepath.Join(root, "entry")) // a link that the user named is followed
	links := int64(0)
	if os.Geteuid() == 0 {
		links = 3
	}
	want(t, testtask.Run(t.Context(), task), 2+links)
	wantRight(t, true, root, "tree", "tree/d")
	wantRight(t, false, root, "outside", "outside/f", "entry")
	if os.Geteuid() == 0 {
		wantRight(t, true, root, "tree/d/dir", "tree/file", "tree/dangling")
	}
	want(t, testtask.Run(t.Context(), task), 0)
}

func TestSpecialBits(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	plant(t, root, "suid", "sgid", "caps")
	// cap_net_raw+ep, as setcap(8) stores it.
	capability := []byte{1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	reset := func(uid int) {
		for name, mode := range map[string]uint32{"suid": 0o4755, "sgid": 0o2755, "caps": 0o755} {
			path := filepath.Join(root, name)
			if err := os.Lchown(path, uid, uid); err != nil {
				t.Fatal(err)
			}
			if err := unix.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
		}
		if err := unix.Setxattr(filepath.Join(root, "caps"), capabilityName, capability, 0); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(want bool) {
		t.Helper()
		for name, mode := range map[string]uint32{"suid": 0o4755, "sgid": 0o2755} {
			if got := lstat(t, filepath.Join(root, name)).Mode&0o7777 == mode; got != want {
				t.Errorf("%s: special bit kept is %v, want %v", name, got, want)
			}
		}
		n, err := unix.Getxattr(filepath.Join(root, "caps"), capabilityName, make([]byte, 64))
		if got := n == len(capability); got != want {
			t.Errorf("capability kept is %v, want %v (%v)", got, want, err)
		}
	}
	task := newTask(root)
	reset(0)
	o := testtask.Run(t.Context(), task)
	want(t, o, 4)
	mention(t, o.Text(), "--preserve-special keeps them", "files=2")
	kept(false)

	task.PreserveSpecial = true
	reset(0)
	want(t, testtask.Run(t.Context(), task), 3)
	wantRight(t, true, root, "suid", "sgid", "caps")
	kept(true)

	task.PreserveSpecial = false
	want(t, testtask.Run(t.Context(), task), 0) // the owner is right, so nothing is lost
	kept(true)

	task.FileMode = "u+rwX"
	reset(0)
	want(t, testtask.Run(t.Context(), task), 3)
	kept(false)
	want(t, testtask.Run(t.Context(), task), 0)
	task.PreserveSpecial = true
	reset(0)
	want(t, testtask.Run(t.Context(), task), 3)
	kept(true)
	want(t, testtask.Run(t.Context(), task), 0)
}

func TestProtected(t *testing.T) {
	for _, p := range []string{"/", "//", "/proc", "/proc/self/root", "/sys/kernel", "/usr/bin/..", "/dev"} {
		task := newTask(p)
		o := testtask.Run(t.Context(), task, testtask.DryRun)
		if tasks.KindOf(o.Err) != tasks.Usage || !strings.Contains(o.Text(), "--force") || o.Changes != 0 {
			t.Errorf("%s: %s", p, o.Text())
		}
	}
	link := filepath.Join(t.TempDir(), "innocent")
	if err := os.Symlink("/", link); err != nil {
		t.Fatal(err)
	}
	want(t, testtask.Run(t.Context(), newTask(link), testtask.DryRun), 0, "innocent, which is /, belongs to the system")
	task := newTask("/proc/self/root") // one that changes nothing
	task.Force, task.Recursive, task.Owner, task.FileMode, task.DirMode = true, false, "", "", "u+s,u-s"
	want(t, testtask.Run(t.Context(), task, testtask.DryRun), 0)
}
