package copyconfig

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testtask"
)

func TestPruneRemovesOnlyWhatItWrote(t *testing.T) {
	src := tree{"a": "1", "b": "2", "edited": "3", "d/x": "4", "e/y": "5"}.write(t, t.TempDir())
	dst := tree{"mine": "m", "b": "2"}.write(t, t.TempDir()) // b was there already, with that content
	mustRun(t, copyTask(src, dst, nil), -1)
	mustRun(t, copyTask(src, dst, func(t *Task) { t.Prune = true }), 0)
	for _, name := range []string{"a", "edited", "d", "e"} { // so that a run with --prune writes them
		if err := os.RemoveAll(filepath.Join(dst, name)); err != nil {
			t.Fatal(err)
		}
	}
	task := copyTask(src, dst, func(t *Task) { t.Prune = true })
	mustRun(t, task, -1)
	mustRun(t, task, 0)
	tree{"edited": "by the application", "e/its own": "z"}.write(t, dst)
	for _, name := range []string{"a", "b", "edited", "d", "e"} {
		if err := os.RemoveAll(filepath.Join(src, name)); err != nil {
			t.Fatal(err)
		}
	}
	tree{"new": "n"}.write(t, src)
	o := mustRun(t, task, -1)
	if !strings.Contains(o.Log, "somebody has changed it") || o.Summary[0] != "1 file: 1 created, 3 removed" {
		t.Error(o.Text())
	}
	tree{"mine": "m", "b": "2", "edited": "by the application", "e/its own": "z", "new": "n"}.want(t, dst)
	if o := mustRun(t, task, 0); strings.Contains(o.Log, "changed it") {
		t.Error("it warns again and again")
	}
}

// A path may turn from a file into a directory, and back.
func TestPruneMakesPlace(t *testing.T) {
	file, dir := tree{"d/x": "file", "y": "1"}, tree{"d/x/sub/deep": "1", "d/x/a": "2", "y/z": "3"}
	src, dst := t.TempDir(), t.TempDir()
	task := copyTask(src, dst, func(t *Task) { t.Prune = true })
	turn := func(to tree) {
		for _, name := range []string{"d", "y"} {
			if err := os.RemoveAll(filepath.Join(src, name)); err != nil {
				t.Fatal(err)
			}
		}
		to.write(t, src)
	}
	for i, to := range []tree{file, dir, file, dir} {
		turn(to)
		told := testtask.Run(t.Context(), task, testtask.DryRun)
		o := mustRun(t, task, -1)
		if told.Err != nil || told.Changes != o.Changes || told.Summary[0] != o.Summary[0] || strings.Contains(o.Log, "WARN") {
			t.Errorf("%d: dry run\n%s\nrun\n%s", i, told.Text(), o.Text())
		}
		to.want(t, dst)
		mustRun(t, task, 0)
	}
	// What somebody has put there or changed stays, and is named.
	tree{"d/x/sub/mine": "m"}.write(t, dst)
	turn(file)
	if o := testtask.Run(t.Context(), task); o.Err == nil || !strings.Contains(o.Text(), "d/x") {
		t.Error(o.Text())
	}
	if data, err := os.ReadFile(filepath.Join(dst, "d/x/sub/mine")); err != nil || string(data) != "m" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestCopiesWithOneDestinationDoNotPruneEachOther(t *testing.T) {
	one, two := tree{"a": "1"}.write(t, t.TempDir()), tree{"b": "2", "b.key": "3"}.write(t, t.TempDir())
	dst := t.TempDir()
	prune := func(t *Task) { t.Prune = true }
	tasks := []*Task{
		copyTask(one, dst, prune),
		copyTask(two, dst, func(t *Task) { t.Prune, t.Exclude = true, []string{"*.key"} }),
		copyTask(two, dst, func(t *Task) { t.Prune, t.Include, t.Mode = true, []string{"*.key"}, "0600" }),
		copyTask(one+"/a", dst+"/renamed", prune),
	}
	for _, task := range tasks {
		mustRun(t, task, -1)
	}
	for _, task := range tasks {
		mustRun(t, task, 0)
	}
	tree{"a": "1", "b": "2", "b.key": "3", "renamed": "1"}.want(t, dst)
}

func TestDamagedManifest(t *testing.T) {
	src, dst := tree{"a": "1", "b": "2"}.write(t, t.TempDir()), t.TempDir()
	task := copyTask(src, dst, func(t *Task) { t.Prune = true })
	mustRun(t, task, -1)
	found, err := filepath.Glob(filepath.Join(dst, manifestPrefix+"*"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if info, err := os.Stat(found[0]); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v: %v", info.Mode(), err)
	}
	outside := tree{"x": "1"}.write(t, t.TempDir())
	for _, text := range []string{
		"", "garbage", manifestHead + "dir \"..\"\n",
		manifestHead + strings.Repeat("0", 64) + ` "../` + filepath.Base(outside) + "/x\"\n",
	} {
		if err := errors.Join(os.WriteFile(found[0], []byte(text), 0o600), os.WriteFile(filepath.Join(src, "b"), []byte("2"), 0o644)); err != nil {
			t.Fatal(err)
		}
		mustRun(t, task, -1)
		tree{"a": "1", "b": "2"}.want(t, dst)
		tree{"x": "1"}.want(t, outside)
		mustRun(t, task, 0)
	}
	// A link in its place is replaced, not followed.
	if err := errors.Join(os.Remove(found[0]), os.Symlink(filepath.Join(outside, "x"), found[0])); err != nil {
		t.Fatal(err)
	}
	if o := testtask.Run(t.Context(), task); o.Err == nil || !strings.Contains(o.Text(), "remove what is there") {
		t.Error(o.Text())
	}
	tree{"x": "1"}.want(t, outside)
}

func TestLeftoversOfKilledRuns(t *testing.T) {
	src := tree{"a": "1", "d/b": "2"}.write(t, t.TempDir())
	for _, with := range []func(*Task){nil, func(t *Task) { t.Prune = true }, func(t *Task) { t.AtomicDir = true }} {
		dst := t.TempDir()
		task := copyTask(src, dst, with)
		mustRun(t, task, -1)
		inside := "d"
		if task.AtomicDir {
			inside = "." // versions are whole or gone
		}
		left := tree{
			".initbox-0123456789abcdef.tmp":                           "half",
			inside + "/.initbox-00000000000000ff.tmp/deep/er":         "half",
			".initbox-notours.tmp":                                    "mine",
			".initbox-0123456789abcdeg.tmp":                           "mine",
			"..2026_01_01_00_00_00.1/a/b":                             "an old version, if versions are made here",
			strings.Repeat("x", 3) + "/.initbox-0123456789abcdef.tmp": "where nothing is copied to",
		}
		left.write(t, dst)
		want := int64(2)
		if task.AtomicDir {
			want = 3
		}
		mustRun(t, task, want)
		mustRun(t, task, 0)
		got, err := readTree(dst)
		if err != nil {
			t.Fatal(err)
		}
		for path := range left {
			_, there := got[path]
			ours := strings.Contains(path, "00ff") || strings.HasPrefix(path, ".initbox-0123456789abcdef") || task.AtomicDir && strings.HasPrefix(path, "..2026")
			if there == ours {
				t.Errorf("%+v: %s there: %v", *task, path, there)
			}
		}
	}
}

func FuzzManifest(f *testing.F) {
	f.Add([]byte(manifestHead + "dir \"a\"\n" + strings.Repeat("0a", 32) + " \"a/\\xff\\n\"\n"))
	f.Add([]byte(manifestHead + "dir \"/a\"\ndir \"a/../b\"\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		parse := func(data []byte) (*manifest, error) {
			m := &manifest{files: make(map[string][]digest), dirs: make(map[string]bool)}
			return m, m.parse(data)
		}
		m, err := parse(data)
		for path := range m.files {
			if !filepath.IsLocal(path) || strings.Contains(path, "..") && filepath.Clean(path) != path {
				t.Fatalf("%q leads out", path)
			}
		}
		if err != nil {
			return
		}
		again, err := parse(m.format())
		if err != nil || !bytes.Equal(again.format(), m.format()) {
			t.Fatalf("%q reads as %q: %v", m.format(), again.format(), err)
		}
	})
}
