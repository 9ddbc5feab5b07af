package chown

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/fileperm"
)

func mountOf(t *testing.T, path string) dirfd.Mount {
	t.Helper()
	var st unix.Statx_t
	if err := dirfd.Statx(unix.AT_FDCWD, path, statMask, &st); err != nil {
		t.Fatal(err)
	}
	return dirfd.MountOf(&st)
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

func TestAdvice(t *testing.T) {
	if s := kind(unix.NFS_SUPER_MAGIC).squashes(); !strings.Contains(s, "no_root_squash") {
		t.Error(s)
	}
	if s := kind(unix.V9FS_MAGIC).squashes(); !strings.Contains(s, "9p") {
		t.Error(s)
	}
	c := &credentials{caps: 1<<unix.CAP_CHOWN | 1<<unix.CAP_FOWNER}
	wanted := &settings{owner: fileperm.Owner{UID: 1, GID: 1}}
	if s := c.advise(wanted, unix.EPERM, -1, new(unix.Statx_t)); !strings.Contains(s, "something else than permissions") {
		t.Error(s)
	}
	if s := c.advise(wanted, context.Canceled, -1, new(unix.Statx_t)); s != "" {
		t.Error(s)
	}
}
