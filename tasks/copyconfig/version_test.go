package copyconfig

import (
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testtask"
	"github.com/initbox/initbox/tasks"
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
	if o.Summary[0] != "3 files: 1 created, 1 updated, 1 unchanged, 1 removed" {
		t.Error(o.Summary)
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
	if o := testtask.Run(t.Context(), copyTask(src+"/a", t.TempDir()+"/file", atomic)); o.Err == nil || !strings.Contains(o.Err.Error(), "name of a file") {
		t.Error(o.Text())
	}
	for _, dir := range []string{"a", "..data"} {
		there := tree{dir + "/b": "a directory"}
		dst := there.write(t, t.TempDir())
		for _, dryRun := range []bool{true, false} {
			o := testtask.Run(t.Context(), copyTask(src, dst, atomic), func(env *tasks.Env) { env.DryRun = dryRun })
			if o.Err == nil || o.Changes != 0 || !strings.Contains(o.Text(), "a directory is in the place") {
				t.Errorf("%d changes, %s", o.Changes, o.Text())
			}
		}
		there.want(t, dst)
	}
	// A link ..data that leads elsewhere is not followed, and is replaced.
	outside := tree{"a": "1", "x": "2"}.write(t, t.TempDir())
	dst := t.TempDir()
	if err := errors.Join(os.Symlink(outside, filepath.Join(dst, "..data"))); err != nil {
		t.Fatal(err)
	}
	mustRun(t, copyTask(src, dst, atomic), -1)
	tree{"a": "1", "x": "2"}.want(t, outside)
	if data, err := os.ReadFile(filepath.Join(dst, "a")); err != nil || string(data) != "1" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestDryRunOfAtomicDirCountsAsTheRun(t *testing.T) {
	src := tree{"a": "1", "d/b": "2", "e/": ""}.write(t, t.TempDir())
	missing, empty := filepath.Join(t.TempDir(), "x/dst"), t.TempDir()
	for _, dst := range []string{missing, empty, empty} {
		task := copyTask(src, dst, func(t *Task) { t.AtomicDir = true })
		told := testtask.Run(t.Context(), task, testtask.DryRun)
		if done := mustRun(t, task, -1); told.Err != nil || told.Changes != done.Changes || told.Summary[0] != done.Summary[0] {
			t.Errorf("%s: %d changes, the run makes %d\n%v\n%v", dst, told.Changes, done.Changes, told.Summary, done.Summary)
		}
	}
}

func TestAttemptsAreNotSummedUp(t *testing.T) {
	src, dst := t.TempDir(), t.TempDir()
	big := filepath.Join(src, "big")
	if err := os.WriteFile(big, make([]byte, 16<<20), 0o644); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() { // changes the file until the run has started over
		seen := make(map[string]bool)
		for now := time.Now(); len(seen) < 3; now = now.Add(time.Second) {
			entries, err := os.ReadDir(dst)
			if err = errors.Join(err, os.Chtimes(big, now, now)); err != nil {
				done <- err
				return
			}
			for _, e := range entries {
				seen[e.Name()] = true
			}
		}
		done <- nil
	}()
	o := mustRun(t, copyTask(src, dst, func(t *Task) { t.AtomicDir = true }), -1)
	if err := <-done; err != nil || o.Summary[0] != "1 file: 1 created" {
		t.Error(o.Summary, err)
	}
}
