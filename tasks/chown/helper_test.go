package chown

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/tasks"
)

// Some tests need a process of their own: with other rights, in a namespace,
// with a limit. They start this binary again, which then runs a Task and prints
// its outcome.
const asTask = "INITBOX_TEST_TASK"

// A request is what such a process does.
type request struct {
	Task   *Task
	Limit  uint64 // of descriptors, 0 for the one that is there
	Mount  string // a directory over which a tmpfs is mounted first
	Bind   string // a directory that is mounted over itself, read-only
	Inside string // a file that is made in Mount
}

func TestMain(m *testing.M) {
	text := os.Getenv(asTask)
	if text == "" {
		os.Exit(m.Run())
	}
	var r request
	err := json.Unmarshal([]byte(text), &r)
	if err == nil {
		err = r.prepare()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "prepare:", err)
		os.Exit(99)
	}
	o := testtask.Run(context.Background(), r.Task)
	fmt.Printf("%s\nchanges %d\nusage %v\n", o.Text(), o.Changes, tasks.KindOf(o.Err) == tasks.Usage)
	if o.Err != nil {
		os.Exit(1)
	}
}

func (r *request) prepare() error {
	if r.Limit > 0 {
		if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: r.Limit, Max: r.Limit}); err != nil {
			return err
		}
	}
	if r.Mount == "" && r.Bind == "" {
		return nil
	}
	if err := unix.Mount("", "/", "", unix.MS_PRIVATE|unix.MS_REC, ""); err != nil {
		return err
	}
	if r.Mount != "" {
		if err := unix.Mount("tmpfs", r.Mount, "tmpfs", 0, "mode=0755"); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(r.Mount, r.Inside), nil, 0o644)
	}
	if err := unix.Mount(r.Bind, r.Bind, "", unix.MS_BIND, ""); err != nil {
		return err
	}
	return unix.Mount("", r.Bind, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, "")
}

// elsewhere runs r in a process that change has shaped, and returns what it
// prints and whether it succeeded.
func elsewhere(t *testing.T, r request, change func(*exec.Cmd)) (string, bool) {
	t.Helper()
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	cmd := testtask.Again(asTask, string(text))
	change(cmd)
	out, err := cmd.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !asExit(err, &exit) {
		t.Fatalf("%v: %s", err, out)
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 && code != 1 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	return string(out), cmd.ProcessState.Success()
}

func asExit(err error, target **exec.ExitError) (ok bool) {
	*target, ok = err.(*exec.ExitError)
	return ok
}

// newTask returns a Task that changes every file and directory in paths: their
// owner if the tests run as root, else their modes.
func newTask(paths ...string) *Task {
	task := New()
	task.Paths = paths
	if os.Geteuid() == 0 {
		task.Owner = "1234:5678"
	} else {
		task.FileMode, task.DirMode = "0604", "0705"
	}
	return task
}

// right reports whether newTask has nothing to do for path.
func right(t *testing.T, path string) bool {
	t.Helper()
	st := lstat(t, path)
	switch {
	case os.Geteuid() == 0:
		return st.Uid == 1234 && st.Gid == 5678
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return st.Mode&0o7777 == 0o705
	default:
		return st.Mode&0o7777 == 0o604
	}
}

func lstat(t *testing.T, path string) unix.Stat_t {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Lstat(path, &st); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return st
}

// needRoot ends a test about changes that only root can make.
func needRoot(t *testing.T) {
	t.Helper()
	switch {
	case os.Geteuid() == 0:
	case testing.Short():
		t.Skip("only root can give files away, and -short does without")
	default:
		t.Fatal("only root can give files away: run the tests as root, or with -short")
	}
}

// area returns a directory that every user can enter.
func area(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{dir, filepath.Dir(dir)} {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// plant makes files below root; a name that ends with "/" is a directory.
func plant(t *testing.T, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		path := filepath.Join(root, name)
		dir := filepath.Dir(path)
		if strings.HasSuffix(name, "/") {
			dir = path
		}
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		if dir == path {
			continue
		}
		if err := os.WriteFile(path, []byte(name), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// wantRight fails unless all of names below root are right, or none with not.
func wantRight(t *testing.T, want bool, root string, names ...string) {
	t.Helper()
	for _, name := range names {
		if path := filepath.Join(root, name); right(t, path) != want {
			t.Errorf("%q: done is %v, want %v", name, !want, want)
		}
	}
}

// want fails unless o has made changes, and has failed with parts in its text, or
// not if there are none.
func want(t *testing.T, o testtask.Outcome, changes int64, parts ...string) {
	t.Helper()
	if o.Changes != changes {
		t.Errorf("%d changes, want %d: %s", o.Changes, changes, o.Text())
	}
	if (o.Err != nil) != (len(parts) > 0) {
		t.Errorf("unexpected outcome: %s", o.Text())
	}
	mention(t, o.Text(), parts...)
}

func mention(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in: %s", p, text)
		}
	}
}
