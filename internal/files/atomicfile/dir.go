package atomicfile

import (
	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

const createdDir = 0o700

// Mkdir makes the directory name in dir, which appears with its owner and mode.
// It fails with EEXIST, ENOTEMPTY or ENOTDIR if the name is taken.
func Mkdir(dir int, name string, a Attributes, sync bool) error {
	temp, fd, err := MkdirTemp(dir)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	err = a.ApplyNewDir(fd)
	if err == nil && sync {
		err = dirfd.Sync(fd)
	}
	if err == nil {
		err = dirfd.Rename(dir, temp, name)
	}
	if err != nil {
		_ = dirfd.Remove(dir, temp, true)
	}
	return err
}

// ApplyNewDir is Apply for a directory that MkdirTemp made.
func (a Attributes) ApplyNewDir(fd int) error {
	var st unix.Stat_t
	if err := dirfd.Fstat(fd, &st); err != nil {
		return err
	}
	if a.Inherit {
		a.Mode |= st.Mode & unix.S_ISGID
	}
	return a.Apply(fd, st.Mode&0o7777)
}

// MkdirTemp makes a directory in dir under a temporary name, for us alone, and
// opens it.
func MkdirTemp(dir int) (name string, fd int, err error) {
	name = NewName()
	if err := dirfd.Mkdir(dir, name, createdDir); err != nil {
		return "", -1, err
	}
	fd, err = dirfd.OpenDir(dir, name)
	if err != nil {
		_ = dirfd.Remove(dir, name, true)
		return "", -1, err
	}
	return name, fd, nil
}

// RemoveAll removes name in dir and all that is in it, following no link. That
// it is gone already is fine.
func RemoveAll(dir int, name string) error {
	err := dirfd.Remove(dir, name, false)
	if err != unix.EISDIR && err != unix.EPERM { // POSIX lets unlink(2) say either of a directory
		return err
	}
	for range removeRounds {
		err = dirfd.Remove(dir, name, true)
		if err != unix.ENOTEMPTY && err != unix.EEXIST {
			return err
		}
		if err := empty(dir, name); err != nil {
			return err
		}
	}
	return err
}

// removeRounds is how often a directory is emptied that somebody fills meanwhile.
const removeRounds = 10

// empty removes what is in the directory name in dir.
func empty(dir int, name string) error {
	fd, err := dirfd.OpenDir(dir, name)
	if dirfd.IsGone(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	names, err := dirfd.Names(fd)
	if err != nil {
		return err
	}
	for _, n := range names {
		if err := RemoveAll(fd, n); err != nil {
			return err
		}
	}
	return nil
}
