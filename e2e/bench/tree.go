package main

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/initbox/initbox/e2e/bench/slowfs"
)

// perDir is how many files a directory of a tree has.
const perDir = 100

// delay is added to each operation on a slow volume.
const delay = time.Millisecond

// plant makes a tree of files of one size, with perDir files in each lowest directory
// and a hundred directories in each directory above.
func plant(root string, files int, size int64) error {
	source := rand.NewChaCha8([32]byte{1})
	for i := range files {
		d := i / perDir
		dir := filepath.Join(root, fmt.Sprintf("g%03d", d/100), fmt.Sprintf("d%05d", d))
		if i%perDir == 0 {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
		}
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("file-%04d.dat", i%perDir)))
		if err != nil {
			return err
		}
		_, err = io.CopyN(f, source, size)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// slowed calls do with a folder in dir that shows backing, with each operation [delay]
// slower.
func slowed(dir, backing string, do func(slow string) error) (err error) {
	slow := filepath.Join(dir, slowName)
	if err := os.Mkdir(slow, 0o755); err != nil {
		return err
	}
	unmount, err := slowfs.Mount(backing, slow, delay)
	if err != nil {
		return err
	}
	defer func() {
		if unmountErr := unmount(); err == nil && unmountErr != nil {
			err = fmt.Errorf("unmount %s: %w", slow, unmountErr)
		}
	}()
	return do(slow)
}

// owned fails unless the first and the last file of the tree belong to id, so that
// no tool gets a time for work that it did not do.
func owned(root string, id int) error {
	var paths []string
	for _, pattern := range []string{"g*/d*/file-0000.dat", "g*/d*/file-0099.dat"} {
		more, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(more) == 0 {
			return fmt.Errorf("no %s in %s (%v)", pattern, root, err)
		}
		paths = append(paths, more[0], more[len(more)-1])
	}
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != id || int(st.Gid) != id {
			return fmt.Errorf("%s does not belong to %d", path, id)
		}
	}
	return nil
}

// sameTree fails unless the copy has each file of the source, whole.
func sameTree(src, dst string) error {
	return filepath.WalkDir(src, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		copied := filepath.Join(dst, strings.TrimPrefix(path, src))
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > smallFile {
			got, err := os.Stat(copied)
			if err == nil && got.Size() != info.Size() {
				err = fmt.Errorf("%s has %d bytes", copied, got.Size())
			}
			return err
		}
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(copied)
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("%s differs", copied)
		}
		return err
	})
}
