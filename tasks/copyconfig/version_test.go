package copyconfig

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestAtomicDir(t *testing.T) {
	src := tree{"a": "1", "d/b": "2", "gone": "3"}.write(t, t.TempDir())
	dst := tree{"mine": "m", "a": "from a plain copy"}.write(t, filepath.Join(t.TempDir(), "x/dst"))
	task := copyTask(src, dst, func(t *Task) { t.AtomicDir, t.Mode, t.DirMode = true, "0640", "0750" })
	mustRun(t, task, -1)
	mustRun(t, task, 0)
	first, err := os.Readlink(filepath.Join(dst, "..data"))
	if err != nil || !regexp.MustCompile(`^\.\.20\d\d_`).MatchString(first) {
		t.Fatal(first, err)
	}
	tree{
		"mine": "m", "..data": "-> " + first, "a": "-> ..data/a", "d": "-> ..data/d", "gone": "-> ..data/gone",
		first + "/a": "1", first + "/d/b": "2", first + "/gone": "3",
	}.want(t, dst)
	for path, want := range map[string]os.FileMode{"a": 0o640, "d": 0o750 | os.ModeDir, "..data": 0o750 | os.ModeDir} {
		if info, err := os.Stat(filepath.Join(dst, path)); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}

	// A volume of its own: initbox reads it as one of kubelet.
	copied := t.TempDir()
	mustRun(t, copyTask(dst, copied, nil), -1)
	tree{"a": "1", "d/b": "2", "gone": "3"}.want(t, copied)

	if err := os.Remove(filepath.Join(src, "gone")); err != nil {
		t.Fatal(err)
	}
	tree{"a": "changed", "new": "n"}.write(t, src)
	o := mustRun(t, task, -1)
	if o.summary[0] != "3 files: 1 created, 1 updated, 1 unchanged, 1 removed" {
		t.Error(o.summary)
	}
	second, err := os.Readlink(filepath.Join(dst, "..data"))
	if err != nil || second == first {
		t.Fatal(second, err)
	}
	tree{
		"mine": "m", "..data": "-> " + second, "a": "-> ..data/a", "d": "-> ..data/d", "new": "-> ..data/new",
		second + "/a": "changed", second + "/d/b": "2", second + "/new": "n",
	}.want(t, dst)
	mustRun(t, task, 0)

	if err := os.Remove(filepath.Join(dst, "a")); err != nil { // a link that somebody removes comes back
		t.Fatal(err)
	}
	mustRun(t, task, 1)
}

func TestAtomicDirRefusals(t *testing.T) {
	src := tree{"a": "1"}.write(t, t.TempDir())
	atomic := func(t *Task) { t.AtomicDir = true }
	if o := run1(t.Context(), copyTask(src+"/a", t.TempDir()+"/file", atomic)); o.err == nil || !strings.Contains(o.err.Error(), "name of a file") {
		t.Error(o.text())
	}
	dst := tree{"a/b": "a directory"}.write(t, t.TempDir())
	if o := run1(t.Context(), copyTask(src, dst, atomic)); o.err == nil || !strings.Contains(o.text(), "a directory is in the place") {
		t.Error(o.text())
	}
	// A link ..data that leads elsewhere is not followed, and is replaced.
	outside := tree{"a": "1", "x": "2"}.write(t, t.TempDir())
	dst = t.TempDir()
	if err := errors.Join(os.Symlink(outside, filepath.Join(dst, "..data"))); err != nil {
		t.Fatal(err)
	}
	mustRun(t, copyTask(src, dst, atomic), -1)
	tree{"a": "1", "x": "2"}.want(t, outside)
	if data, err := os.ReadFile(filepath.Join(dst, "a")); err != nil || string(data) != "1" {
		t.Errorf("%q, %v", data, err)
	}
}
