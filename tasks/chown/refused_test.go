package chown

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/internal/testkit/testtask"
)

func mountOf(t *testing.T, path string) dirfd.Mount {
	t.Helper()
	var st unix.Statx_t
	if err := dirfd.Statx(unix.AT_FDCWD, path, statMask, &st); err != nil {
		t.Fatal(err)
	}
	return dirfd.MountOf(&st)
}

// inNamespace lets cmd have mounts of its own.
func inNamespace(cmd *exec.Cmd) { cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS }

func TestMounts(t *testing.T) {
	needRoot(t)
	root := area(t)
	plant(t, root, "a/f", "m/")
	task := newTask(root)
	r := request{Task: task, Mount: filepath.Join(root, "m"), Inside: "inside"}
	out, ok := elsewhere(t, r, inNamespace)
	if !ok || !strings.Contains(out, "changes 3") || !strings.Contains(out, "1 mount not entered") {
		t.Error(out)
	}
	wantRight(t, false, root, "m") // what is below the mount is not seen either
	task.CrossMounts = true
	if out, ok := elsewhere(t, r, inNamespace); !ok || !strings.Contains(out, "changes 2") {
		t.Error(out)
	}
	task.Paths, task.CrossMounts = []string{filepath.Join(root, "m")}, false
	if out, ok := elsewhere(t, r, inNamespace); !ok || !strings.Contains(out, "changes 2") {
		t.Error(out)
	}
}

func TestReadOnly(t *testing.T) {
	needRoot(t)
	root := area(t)
	plant(t, root, "vol/a/f", "tree/ro/f", "tree/rw/f")
	vol := filepath.Join(root, "vol")
	out, ok := elsewhere(t, request{Task: newTask(vol), Bind: vol}, inNamespace)
	if ok {
		t.Error("a read-only volume was changed")
	}
	mention(t, out, "changes 0", "vol itself is refused, so nothing was changed: read-only file system", "take readOnly off the volumeMount")
	if err := os.Lchown(vol, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	out, ok = elsewhere(t, request{Task: newTask(vol), Bind: vol}, inNamespace)
	if ok {
		t.Error("a read-only volume was changed")
	}
	mention(t, out, "changes 0", "2 of 3 entries failed", "chown "+vol+"/a", "read-only file system")
}

func TestImmutable(t *testing.T) {
	needRoot(t)
	root := t.TempDir()
	plant(t, root, "a/f", "a/g", "b/h")
	stuck := filepath.Join(root, "a/f")
	immutable(t, stuck, true)
	t.Cleanup(func() { immutable(t, stuck, false) })
	task := newTask(root)
	task.IfRootMismatch = true
	want(t, testtask.Run(t.Context(), task), 4, "a/f: operation not permitted", "chattr -i")
	wantRight(t, true, root, "a", "a/g", "b", "b/h")
	wantRight(t, false, root, "", "a/f") // the root is no stamp yet

	task.IgnoreErrors = true
	o := testtask.Run(t.Context(), task)
	want(t, o, 0)
	mention(t, o.Text(), "ignored, as --ignore-errors says", "the root keeps its owner and mode")
	wantRight(t, false, root, "", "a/f") // nor is it for who ignores that

	task.IfRootMismatch = false
	o = testtask.Run(t.Context(), task)
	want(t, o, 1)
	mention(t, o.Text(), "ignored, as --ignore-errors says", "1 failed")
	wantRight(t, true, root, "")

	task.IgnoreErrors = false
	task.IfRootMismatch = true
	if err := os.Lchown(root, 0, 0); err != nil {
		t.Fatal(err)
	}
	immutable(t, stuck, false)
	want(t, testtask.Run(t.Context(), task), 2)
	wantRight(t, true, root, "", "a/f")
}

func immutable(t *testing.T, path string, on bool) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var flags int32
	if on {
		flags = 0x10 // FS_IMMUTABLE_FL
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, f.Fd(), unix.FS_IOC_SETFLAGS, uintptr(unsafe.Pointer(&flags)))
	switch errno {
	case 0:
	case unix.ENOTTY, unix.EOPNOTSUPP:
		t.Fatalf("%s is on a file system without chattr +i: set TMPDIR to one on ext4, xfs or btrfs", path)
	default:
		t.Fatalf("chattr %s: %v", path, errno)
	}
}

func TestManyErrors(t *testing.T) {
	needRoot(t)
	root := area(t)
	for _, d := range []string{"a", "b"} {
		plant(t, root, d+"/")
		deep(t, filepath.Join(root, d), 1, 20, false)
	}
	if err := os.Chown(root, 1234, 5678); err != nil {
		t.Fatal(err)
	}
	out, ok := elsewhere(t, request{Task: newTask(root)}, as(4321))
	if ok {
		t.Error("UID 4321 has given files of root away")
	}
	mention(t, out, "changes 0", "44 of 45 entries failed, the first: ", "further failures are only counted",
		"UID 4321 lacks the capability CHOWN", "securityContext: {runAsUser: 0, capabilities: {drop: [ALL], add: [CHOWN, DAC_OVERRIDE]}}")
	if n := strings.Count(out, "msg=failed"); n != 10 {
		t.Errorf("%d failures are shown, want 10: %s", n, out)
	}
}

// as lets cmd run as a user without any capability.
func as(uid uint32, groups ...uint32) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid, Groups: groups}
	}
}

// ours makes a tree that belongs to UID 4321, and a Task for it.
func ours(t *testing.T) (string, *Task) {
	t.Helper()
	needRoot(t)
	root := area(t)
	plant(t, root, "mine/f", "mine/closed/g")
	for _, n := range []string{"mine", "mine/f", "mine/closed", "mine/closed/g"} {
		if err := os.Lchown(filepath.Join(root, n), 4321, 4321); err != nil {
			t.Fatal(err)
		}
	}
	mine := filepath.Join(root, "mine")
	return mine, newTask(mine)
}

func TestUnprivileged(t *testing.T) {
	_, task := ours(t)
	out, ok := elsewhere(t, request{Task: task}, as(4321))
	if ok {
		t.Error("UID 4321 has given files away")
	}
	mention(t, out, "changes 0", "mine itself is refused, so nothing was changed", "UID 4321 lacks the capability CHOWN")

	task.Owner = ":5678"
	if out, ok = elsewhere(t, request{Task: task}, as(4321)); ok {
		t.Error("the group was given although it is not one of ours")
	}
	mention(t, out, "changes 0", "itself is refused")
	if out, ok = elsewhere(t, request{Task: task}, as(4321, 5678)); !ok {
		t.Error(out)
	}
	mention(t, out, "changes 4")
	if out, ok = elsewhere(t, request{Task: task}, as(4321)); !ok {
		t.Error(out)
	}
	mention(t, out, "changes 0")
}

// TestLockedOut: a directory that its owner has locked himself out of opens with
// its new mode.
func TestLockedOut(t *testing.T) {
	mine, task := ours(t)
	closed := filepath.Join(mine, "closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	task.Owner, task.FileMode, task.DirMode = "4321:5678", "u=rw,go=", "u=rwx,go="
	out, ok := elsewhere(t, request{Task: task}, as(4321, 5678))
	if !ok {
		t.Error(out)
	}
	mention(t, out, "changes 4")

	// What is behind it may turn out to be missing, when a path before has changed.
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	task.Paths = []string{closed, filepath.Join(closed, "missing")}
	out, _ = elsewhere(t, request{Task: task}, as(4321, 5678))
	mention(t, out, "changes 1", "missing does not exist", "usage false")
	out, _ = elsewhere(t, request{Task: task}, as(4321, 5678))
	mention(t, out, "changes 0", "missing does not exist", "usage true")
}

// TestLockedOutOfRoot: so does the root, which stays as it was if something below
// it fails.
func TestLockedOutOfRoot(t *testing.T) {
	mine, task := ours(t)
	task.Owner, task.FileMode, task.DirMode = "4321:5678", "u=rw,go=", "u=rwx,go="
	if out, ok := elsewhere(t, request{Task: task}, as(4321, 5678)); !ok {
		t.Error(out)
	}
	foreign := filepath.Join(mine, "foreign")
	plant(t, mine, "foreign")
	for _, mode := range []uint32{0, 0o070, 0o1300} {
		if err := unix.Chmod(mine, mode); err != nil {
			t.Fatal(err)
		}
		out, ok := elsewhere(t, request{Task: task}, as(4321, 5678))
		if ok {
			t.Error(out)
		}
		mention(t, out, "mine/foreign: operation not permitted", "changes 0")
		if got := lstat(t, mine).Mode & 0o7777; got != mode {
			t.Errorf("the root had mode %o and has %o, but not all below it is done", mode, got)
		}
	}
	if err := os.Remove(foreign); err != nil {
		t.Fatal(err)
	}
	out, ok := elsewhere(t, request{Task: task}, as(4321, 5678))
	if !ok {
		t.Error(out)
	}
	mention(t, out, "changes 1")
	if got := lstat(t, mine).Mode & 0o7777; got != 0o700 {
		t.Errorf("the root has mode %o, want 700", got)
	}
}

// with lets cmd run as root with no capabilities but names.
func with(t *testing.T, names string) func(*exec.Cmd) {
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Fatalf("this test takes capabilities away with setpriv(1): install util-linux (%v)", err)
	}
	return func(cmd *exec.Cmd) {
		cmd.Path = setpriv
		cmd.Args = []string{setpriv, "--inh-caps=-all", "--bounding-set=-all," + names, "/proc/" + pid() + "/exe"}
	}
}

func pid() string { p, _ := os.Readlink("/proc/self"); return p }

func TestCapabilities(t *testing.T) {
	needRoot(t)
	root := area(t)
	plant(t, root, "t/closed/f", "t/g")
	tree := filepath.Join(root, "t")
	reset := func() {
		for _, n := range []string{"t", "t/closed", "t/closed/f", "t/g"} {
			path := filepath.Join(root, n)
			if err := os.Lchown(path, 999, 999); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		caps, file, dir string
		want            []string // nil for success
	}{
		{caps: "+chown,+dac_override"},
		{caps: "+chown", want: []string{"read the directory: permission denied", "root lacks the capability DAC_OVERRIDE"}},
		{caps: "+dac_override", want: []string{"itself is refused", "root lacks the capability CHOWN"}},
		{caps: "+chown,+dac_override", file: "0640", want: []string{"set its mode: operation not permitted", "lacks the capability FOWNER", "FOWNER, FSETID]"}},
		{caps: "+chown,+dac_override", dir: "0750", want: []string{"itself is refused", "lacks the capability FOWNER"}},
		{caps: "+chown,+dac_override,+fowner", file: "0640", dir: "0750"},
		{caps: "+chown,+dac_override,+fowner", dir: "2770", want: []string{"set its setgid bit", "lacks the capability FSETID"}},
		{caps: "+chown,+dac_override,+fowner,+fsetid", dir: "2770"},
	} {
		reset()
		task := newTask(tree)
		task.FileMode, task.DirMode = c.file, c.dir
		out, ok := elsewhere(t, request{Task: task}, with(t, c.caps))
		if ok != (c.want == nil) {
			t.Errorf("%+v: %s", c, out)
		}
		mention(t, out, c.want...)
		if ok {
			wantRight(t, true, root, "t", "t/closed", "t/closed/f", "t/g")
		} else if right(t, tree) {
			t.Errorf("%+v: the root was changed: %s", c, out)
		}
	}
}

func TestUserNamespace(t *testing.T) {
	needRoot(t)
	root := area(t)
	plant(t, root, "f")
	out, ok := elsewhere(t, request{Task: newTask(root)}, func(cmd *exec.Cmd) {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		one := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}}
		cmd.SysProcAttr.UidMappings, cmd.SysProcAttr.GidMappings = one, one
	})
	if ok {
		t.Error("an owner that the namespace does not have was given")
	}
	mention(t, out, "invalid argument", "hostUsers: false")
}

func TestAdvice(t *testing.T) {
	if s := kind(unix.NFS_SUPER_MAGIC).squashes(); !strings.Contains(s, "no_root_squash") {
		t.Error(s)
	}
	if s := kind(unix.V9FS_MAGIC).squashes(); !strings.Contains(s, "9p") {
		t.Error(s)
	}
	c := &credentials{caps: 1<<unix.CAP_CHOWN | 1<<unix.CAP_FOWNER}
	p := &plan{owner: fileperm.Owner{UID: 1, GID: 1}}
	if s := c.advise(p, unix.EPERM, -1, new(unix.Statx_t)); !strings.Contains(s, "something else than permissions") {
		t.Error(s)
	}
	if s := c.advise(p, context.Canceled, -1, new(unix.Statx_t)); s != "" {
		t.Error(s)
	}
}
