package main

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/testdir"
)

const folderPrefix = "initbox-bench-"

// slowName is where [slowed] mounts in a temporary folder.
const slowName = "slow"

// temporary makes a folder in parent, or in [os.TempDir] if parent is empty, and
// removes what killed benchmarks left there.
func temporary(parent string) (path string, remove func(), err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	old, err := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	if err != nil {
		return "", nil, err
	}
	for _, dir := range old {
		if !testdir.Held(dir) { // nobody uses it, mounted or not
			_ = unix.Unmount(filepath.Join(dir, slowName), unix.MNT_DETACH)
		}
	}
	made, err := testdir.Make(parent, folderPrefix)
	if err != nil {
		return "", nil, err
	}
	return made.Path, func() { _ = made.Remove() }, nil
}
