package dirfd

import "golang.org/x/sys/unix"

// Mkdir makes the directory name in dir.
func Mkdir(dir int, name string, mode uint32) error {
	return retryEINTR(func() error { return unix.Mkdirat(dir, name, mode) })
}

// Symlink makes the link name in dir.
func Symlink(dir int, target, name string) error {
	return retryEINTR(func() error { return unix.Symlinkat(target, dir, name) })
}

// Readlink returns where the link name in dir leads; ENAMETOOLONG if that is
// longer than a path can be.
func Readlink(dir int, name string) (string, error) {
	buf := make([]byte, unix.PathMax)
	var n int
	err := retryEINTR(func() (err error) { n, err = unix.Readlinkat(dir, name, buf); return err })
	if err != nil {
		return "", err
	}
	if n == len(buf) {
		return "", unix.ENAMETOOLONG
	}
	return string(buf[:n]), nil
}

// Remove removes the file or the empty directory name in dir. That it is gone
// already is fine.
func Remove(dir int, name string, isDir bool) error {
	flags := 0
	if isDir {
		flags = unix.AT_REMOVEDIR
	}
	err := retryEINTR(func() error { return unix.Unlinkat(dir, name, flags) })
	if err == unix.ENOENT {
		return nil
	}
	return err
}

// Rename moves name in dir to another name in the same directory.
func Rename(dir int, from, to string) error {
	return retryEINTR(func() error { return unix.Renameat(dir, from, dir, to) })
}

// Fchmod sets the mode of fd, which is open for reading or writing.
func Fchmod(fd int, mode uint32) error {
	return retryEINTR(func() error { return unix.Fchmod(fd, mode) })
}

// Truncate gives the file fd this size.
func Truncate(fd int, size int64) error {
	return retryEINTR(func() error { return unix.Ftruncate(fd, size) })
}

// Sync writes fd to the disk. A file system that has no such thing, as some
// FUSE ones, is taken at its word.
func Sync(fd int) error {
	err := retryEINTR(func() error { return unix.Fsync(fd) })
	if err == unix.EINVAL || err == unix.ENOSYS || err == unix.EOPNOTSUPP || err == unix.EROFS {
		return nil
	}
	return err
}
