//go:build integration

package copyconfig

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testtask"
)

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

// withCapabilities runs task as root with these capabilities and no others.
func withCapabilities(t *testing.T, task *Task, names string) (out string, err error) {
	t.Helper()
	setpriv, err := exec.LookPath("setpriv")
	if err != nil {
		t.Fatalf("this test takes capabilities away with setpriv(1): install util-linux (%v)", err)
	}
	cmd := taskCommand(t, task)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Path, cmd.Args = setpriv, []string{setpriv, "--inh-caps=-all", "--bounding-set=-all," + names, self}
	text, err := cmd.CombinedOutput()
	return string(text), err
}

// A file that was given away takes no more from us without FOWNER.
func TestOwnerWithFewCapabilities(t *testing.T) {
	needRoot(t)
	src := tree{"a": "1", "sub/b": "2"}.write(t, t.TempDir())
	for _, c := range []struct{ caps, mode, next string }{
		{"+chown,+dac_override", "0640", ""},
		{"+dac_override", "0640", "run as root with the capability CHOWN"},
		{"+chown,+dac_override", "6755", "FOWNER and FSETID"},
		{"+chown,+dac_override,+fowner", "2755", "FSETID"},
		{"+chown,+dac_override,+fowner,+fsetid", "6755", ""},
	} {
		for _, atomic := range []bool{false, true} {
			dst := filepath.Join(t.TempDir(), "new/dst")
			task := copyTask(src, dst, func(t *Task) { t.Owner, t.Mode, t.AtomicDir = "4321:4322", c.mode, atomic })
			out, err := withCapabilities(t, task, c.caps)
			if (err == nil) != (c.next == "") || !strings.Contains(out, c.next) {
				t.Errorf("%+v: %v\n%s", c, err, out)
			}
			if err != nil {
				continue
			}
			want := map[string]uint32{"0640": 0o640, "6755": 0o6755}[c.mode]
			if mode, uid, gid := modeOf(t, dst+"/sub/b"); mode != want || uid != 4321 || gid != 4322 {
				t.Errorf("%+v: %o %d:%d", c, mode, uid, gid)
			}
			if mode, uid, _ := modeOf(t, dst+"/sub"); mode != 0o755 || uid != 4321 {
				t.Errorf("%+v: sub has %o %d", c, mode, uid)
			}
		}
	}
}

func TestScenarios(t *testing.T) {
	for name := range scenarios {
		t.Run(name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "initbox-scenario-") // t.TempDir is closed to other users
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { os.RemoveAll(dir) })
			cmd := testtask.Again(asScenario, name+":"+dir)
			switch {
			case strings.HasPrefix(name, "unprivileged") && os.Geteuid() == 0:
				if err := os.Chown(dir, 65533, 65533); err != nil {
					t.Fatal(err)
				}
				cmd.SysProcAttr.Credential = &syscall.Credential{Uid: 65533, Gid: 65533}
			case os.Geteuid() != 0:
				cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS
				cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
				cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
			default:
				cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWNS
			}
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
