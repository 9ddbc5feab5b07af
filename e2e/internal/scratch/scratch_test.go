package scratch

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// TestMake: a folder stays until nobody holds its lock, and no longer. One that never
// had a lock is left alone.
func TestMake(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	other := filepath.Join(os.TempDir(), "x-other")
	if err := os.Mkdir(other, 0o755); err != nil {
		t.Fatal(err)
	}
	make := func() (string, *os.File) {
		dir, held, err := Make("x-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { held.Close() })
		return dir, held
	}
	first, held := make()
	second, _ := make()
	for _, dir := range []string{first, second} {
		if !Held(dir) {
			t.Errorf("%s does not count as held", dir)
		}
	}
	held.Close()
	make()
	if _, err := os.Stat(first); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the folder that nobody holds is still there: %v", err)
	}
	for _, dir := range []string{second, other} {
		if _, err := os.Stat(dir); err != nil {
			t.Error(err)
		}
	}
}
