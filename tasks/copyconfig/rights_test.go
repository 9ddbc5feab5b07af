package copyconfig

import (
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

func modeOf(t *testing.T, path string) (mode, uid, gid uint32) {
	t.Helper()
	var st unix.Stat_t
	if err := unix.Stat(path, &st); err != nil {
		t.Fatal(err)
	}
	return st.Mode & 0o7777, st.Uid, st.Gid
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
