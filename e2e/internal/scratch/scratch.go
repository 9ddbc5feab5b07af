// Package scratch makes folders that somebody must be alive to own. Each has a lock
// that its owner holds; if the owner is killed, the kernel frees the lock, and the
// next run removes the folder.
package scratch

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const lockName = "lock"

// Make makes a folder for temporary files, whose name begins with prefix, and removes
// those that others who are gone left. The folder is owned as long as held is open
// here or in a process that inherited it.
func Make(prefix string) (dir string, held *os.File, err error) {
	if err := sweep(prefix); err != nil {
		return "", nil, fmt.Errorf("remove what killed runs left: %w", err)
	}
	if dir, err = os.MkdirTemp("", prefix); err != nil {
		return "", nil, err
	}
	if held, err = Hold(dir); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	return dir, held, nil
}

// Hold gives dir a lock, which is held as long as the file is open.
func Hold(dir string) (held *os.File, err error) {
	path := filepath.Join(dir, lockName)
	held, err = os.OpenFile(path+".new", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(held.Fd()), syscall.LOCK_EX)
	if err == nil {
		// Nobody ever sees it free, and takes the owner for gone.
		err = os.Rename(held.Name(), path)
	}
	if err != nil {
		held.Close()
		return nil, err
	}
	return held, nil
}

// Held tells whether dir has a lock that somebody holds.
func Held(dir string) bool {
	f, err := os.Open(filepath.Join(dir, lockName))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// sweep removes the folders that have a lock that nobody holds. One without may be
// about to get it, or be no folder of ours.
func sweep(prefix string) error {
	locks, err := filepath.Glob(filepath.Join(os.TempDir(), prefix+"*", lockName))
	if err != nil {
		return err
	}
	var errs []error
	for _, lock := range locks {
		if dir := filepath.Dir(lock); !Held(dir) {
			errs = append(errs, os.RemoveAll(dir))
		}
	}
	return errors.Join(errs...)
}
