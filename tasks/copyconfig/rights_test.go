package copyconfig

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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

func modeOf(t *testing.T, path string) (mode, uid, gid uint32) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Mode & 0o7777, st.Uid, st.Gid
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

// What a mode says of setgid is so after the first run, under a setgid parent too.
func TestSetgidIsSettledAtOnce(t *testing.T) {
	src := tree{"sub/b": "2"}.write(t, t.TempDir())
	for mode, want := range map[string]uint32{"": 0o2755, "0750": 0o2750, "00750": 0o750, "g-s": 0o755, "2750": 0o2750, "g=rx": 0o2755} {
		for _, atomic := range []bool{false, true} {
			dst := t.TempDir()
			if err := os.Chmod(dst, 0o755|os.ModeSetgid); err != nil {
				t.Fatal(err)
			}
			task := copyTask(src, dst, func(t *Task) { t.DirMode, t.AtomicDir = mode, atomic })
			mustRun(t, task, -1)
			if got, _, _ := modeOf(t, dst+"/sub"); got != want {
				t.Errorf("%q: %o, want %o", mode, got, want)
			}
			mustRun(t, task, 0)
		}
	}
}
