package testdir

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestMake: a folder stays exactly as long as somebody holds its lock. A folder
// that never had a lock is left alone.
func TestMake(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	other := filepath.Join(os.TempDir(), "x-other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	make := func(parent string) *Dir {
		d, err := Make(parent, "x-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { d.Lock.Close() })
		return d
	}
	killed, living := make(""), make("")
	for _, d := range []*Dir{killed, living} {
		if !Held(d.Path) {
			t.Errorf("%s does not count as held", d.Path)
		}
	}
	killed.Lock.Close()
	make(t.TempDir())
	if _, err := os.Stat(killed.Path); err != nil {
		t.Errorf("what is beside another folder was removed: %v", err)
	}
	removed := make("")
	if err := removed.Remove(); err != nil {
		t.Error(err)
	}
	for _, d := range []*Dir{killed, removed} {
		if _, err := os.Stat(d.Path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the folder that nobody holds is still there: %v", err)
		}
	}
	for _, dir := range []string{living.Path, other} {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}
