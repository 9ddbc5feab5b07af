// Package testdir makes temporary folders for tests and for programs that test.
// The owner of a folder holds its lock. If the owner is killed, the kernel
// releases the lock, and the next run removes the folder.
package testdir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

const lockName = "lock"

// A Dir is a temporary folder.
type Dir struct {
	Path string
	// Lock is held as long as it is open here or in a process that inherited it.
	Lock *os.File
}

// Make makes a folder in parent, or in [os.TempDir] if parent is empty. Its name
// begins with prefix. Make also removes the folders with that prefix whose owners
// have ended.
func Make(parent, prefix string) (*Dir, error) {
	if parent == "" {
		parent = os.TempDir()
	}
	if err := sweep(filepath.Join(parent, prefix+"*")); err != nil {
		return nil, fmt.Errorf("remove what killed runs left: %w", err)
	}
	path, err := os.MkdirTemp(parent, prefix)
	if err != nil {
		return nil, err
	}
	lock, err := Hold(path)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(path))
	}
	return &Dir{path, lock}, nil
}

// Remove removes the folder with everything in it.
func (d *Dir) Remove() error { return errors.Join(os.RemoveAll(d.Path), d.Lock.Close()) }

// Hold creates the lock of a folder and holds it as long as the returned file is
// open.
func Hold(dir string) (lock *os.File, err error) {
	path := filepath.Join(dir, lockName)
	lock, err = os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
	if err == nil {
		// The lock gets its name only now, so nobody ever sees it free and takes the
		// owner for dead.
		err = os.Rename(lock.Name(), path)
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return lock, nil
}

// Held reports whether somebody holds the lock of a folder.
func Held(dir string) bool {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// sweep removes the folders of a pattern whose lock nobody holds. A folder without
// a lock may be about to get one, or may not be ours.
func sweep(pattern string) error {
	locks, err := filepath.Glob(filepath.Join(pattern, lockName))
	if err != nil {
		return err
	}
	var errs []error
	for _, lock := range locks {
		if dir := filepath.Dir(lock); !Held(dir) {
			// Folders of other users are theirs to remove.
			if err := os.RemoveAll(dir); !errors.Is(err, fs.ErrPermission) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}
