package mount

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// plant creates files, and a link for each content that begins with "-> ".
func plant(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for path, content := range files {
		full := filepath.Join(dir, path)
		err := os.MkdirAll(filepath.Dir(full), 0o755)
		if len(content) > 3 && content[:3] == "-> " {
			err = errors.Join(err, os.Symlink(content[3:], full))
		} else {
			err = errors.Join(err, os.WriteFile(full, []byte(content), 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func readIn(t *testing.T, d *Dir, name string) (string, error) {
	t.Helper()
	fd, err := d.Open()
	if err != nil {
		return "", err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	file, err := d.OpenFile(fd, name, &st)
	if err != nil {
		return "", err
	}
	defer unix.Close(file)
	buf := make([]byte, 100)
	n, err := unix.Read(file, buf)
	return string(buf[:max(n, 0)]), err
}

func TestOneVersionForAllArguments(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{
		"..1/a": "one", "..1/d/b": "one", "..2/a": "two", "..2/d/b": "two",
		"..data": "-> ..1", "a": "-> ..data/a", "d": "-> ..data/d",
	})
	s := new(Reader)
	defer s.Close()
	file, name, err := s.Open(dir + "/a")
	if err != nil || name != "a" || !file.Live() {
		t.Fatal(name, err)
	}
	if err := s.Current(); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink("..2", dir+"/tmp"), os.Rename(dir+"/tmp", dir+"/..data")); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, dir + "/d", dir + "/d/b", dir + "/..data/a"} {
		d, name, err := s.Open(path)
		if err != nil || !d.Live() {
			t.Fatal(path, err)
		}
		if name == "" {
			name = map[string]string{dir: "a", dir + "/d": "b"}[path]
		}
		if got, err := readIn(t, d, name); got != "one" || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	if err := s.Current(); !errors.Is(err, ErrChanged) {
		t.Errorf("the link has moved: %v", err)
	}
	if err := os.RemoveAll(dir + "/..1"); err != nil {
		t.Fatal(err)
	}
	if _, err := readIn(t, file, "a"); !errors.Is(err, ErrChanged) {
		t.Errorf("the version is gone: %v", err)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{
		"b": "1", "a/x": "2", "..hidden": "3", "file": "-> b", "dir": "-> a", "out": "-> /etc", "up": "-> ../x", "gone": "-> nope", "loop": "-> .",
		"vol/..v/k": "4", "vol/..data": "-> ..v", "vol/k": "-> ..data/k",
	})
	if err := unix.Mkfifo(filepath.Join(dir, "fifo"), 0o644); err != nil {
		t.Fatal(err)
	}
	s := new(Reader)
	defer s.Close()
	root, _, err := s.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	from, entries, err := root.List(buf)
	if err != nil || from != root {
		t.Fatal(err)
	}
	want := []Entry{
		{"a", true, false, nil}, {"b", false, false, nil}, {"dir", true, true, nil}, {"fifo", false, false, ErrSpecial}, {"file", false, true, nil},
		{"gone", false, true, os.ErrNotExist}, {"loop", false, true, ErrLoop}, {"out", false, true, ErrOutside}, {"up", false, true, ErrOutside}, {"vol", true, false, nil},
	}
	if len(entries) != len(want) {
		t.Fatalf("%+v", entries)
	}
	for i, e := range entries {
		if w := want[i]; e.Name != w.Name || e.Dir != w.Dir || e.Link != w.Link || !errors.Is(e.Err, w.Err) {
			t.Errorf("%+v, want %+v", e, w)
		}
	}
	vol, entries, err := root.Sub("vol", false).List(buf)
	if err != nil || !vol.Live() || len(entries) != 1 || entries[0].Name != "k" || entries[0].Link {
		t.Errorf("%+v: %v", entries, err)
	}
	if got, err := readIn(t, root.Sub("dir", true), "x"); got != "2" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := readIn(t, root.Sub("dir", false), "x"); err == nil {
		t.Error("a link was followed where none was")
	}
}

func TestBesideTheLinkOfAVolume(t *testing.T) {
	dir := t.TempDir()
	plant(t, dir, map[string]string{
		"..1/a": "one", "..data": "-> ..1", "a": "-> ..data/a", "plain": "mine", "nested/x": "mine too", "link": "-> plain", "..1/unlinked": "one",
	})
	s := new(Reader)
	defer s.Close()
	for path, want := range map[string]string{"a": "one", "unlinked": "one", "plain": "mine", "nested/x": "mine too", "link": "mine", "..data/a": "one"} {
		d, name, err := s.Open(dir + "/" + path)
		if err != nil || name != filepath.Base(path) || d.Live() != (want == "one") {
			t.Errorf("%s: %q, %v", path, name, err)
			continue
		}
		if got, err := readIn(t, d, name); got != want || err != nil {
			t.Errorf("%s: %q, %v", path, got, err)
		}
	}
	d, _, err := s.Open(dir + "/nested")
	if err != nil || d.Live() {
		t.Fatal(err)
	}
	if _, entries, err := d.List(make([]byte, 4096)); err != nil || len(entries) != 1 || entries[0].Name != "x" {
		t.Errorf("%+v, %v", entries, err)
	}
}
