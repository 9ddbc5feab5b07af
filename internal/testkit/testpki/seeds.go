package testpki

import (
	"os"
	"path/filepath"
	"testing"
)

// Seeds adds the files of a directory as seeds of a fuzz test that takes bytes.
func Seeds(f *testing.F, dir string) {
	f.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) == 0 {
		f.Fatal("no seeds: ", err)
	}
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}
