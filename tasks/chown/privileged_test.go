//go:build integration

package chown

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/testtask"
)

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
