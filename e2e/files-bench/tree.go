package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// plant makes a tree of files, perDir of them in each directory, and a hundred
// directories in each of the directories above.
func plant(root string, files int) error {
	for d := range files / perDir {
		dir := filepath.Join(root, fmt.Sprintf("g%03d", d/100), fmt.Sprintf("d%05d", d))
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
		for f := range perDir {
			if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("file-%04d.dat", f)), nil, 0o644); err != nil {
				return err
			}
		}
	}
	return nil
}

// owned fails unless the first and the last file of the tree belong to id: no
// tool gets a time for work that it has not done.
func owned(root string, id int) error {
	for _, pattern := range []string{"g000/d00000/file-0000.dat", "g000/d000*/file-0099.dat"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(paths) == 0 {
			return fmt.Errorf("no %s in %s (%v)", pattern, root, err)
		}
		last := paths[len(paths)-1]
		info, err := os.Lstat(last)
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != id || int(st.Gid) != id {
			return fmt.Errorf("%s does not belong to %d", last, id)
		}
	}
	return nil
}
