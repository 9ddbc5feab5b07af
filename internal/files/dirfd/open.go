package dirfd

import (
	"errors"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Open opens name in the directory dir. It never makes a terminal the
// controlling one, and does not wait for the other end of a FIFO.
func Open(dir int, name string, flags int, perm uint32) (int, error) {
	for {
		fd, err := unix.Openat(dir, name, flags|unix.O_CLOEXEC|unix.O_NOCTTY|unix.O_NONBLOCK, perm)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// dirFlags open a directory that is no link.
const dirFlags = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW

// maxPath is what one system call takes; PATH_MAX counts the final NUL.
const maxPath = unix.PathMax - 1

// OpenDir opens the directory at path beneath dir, "" being dir itself. No
// component may be a link or "..": they fail with ELOOP, ENOTDIR or EXDEV. The path
// may be longer than PATH_MAX.
func OpenDir(dir int, path string) (int, error) {
	if path == "" {
		path = "."
	}
	if len(path) <= maxPath {
		return openDir(dir, path)
	}
	cut := strings.LastIndexByte(path[:maxPath], '/')
	if cut < 0 {
		return -1, unix.ENAMETOOLONG
	}
	mid, err := openDir(dir, path[:cut])
	if err != nil {
		return -1, err
	}
	defer unix.Close(mid)
	return OpenDir(mid, path[cut+1:])
}

func openDir(dir int, path string) (int, error) {
	if !strings.Contains(path, "/") && path != ".." {
		return Open(dir, path, dirFlags, 0)
	}
	how := unix.OpenHow{Flags: dirFlags | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	for {
		fd, err := unix.Openat2(dir, path, &how)
		switch err {
		case unix.EINTR, unix.EAGAIN:
			continue
		case unix.ENOSYS, unix.EPERM, unix.EINVAL: // an old kernel, an old seccomp profile, gVisor
			return openByStep(dir, path)
		}
		return fd, err
	}
}

// openByStep is openDir where the kernel has no openat2.
func openByStep(dir int, path string) (int, error) {
	at := dir
	for name := range strings.SplitSeq(path, "/") {
		if name == ".." {
			closeOther(at, dir)
			return -1, unix.EXDEV
		}
		next, err := Open(at, name, dirFlags, 0)
		closeOther(at, dir)
		if err != nil {
			return -1, err
		}
		at = next
	}
	return at, nil
}

func closeOther(fd, keep int) {
	if fd != keep {
		unix.Close(fd)
	}
}

// Close closes a file that was written to: NFS tells only then of a full disk.
func Close(fd int) error {
	err := unix.Close(fd)
	if err == unix.EINTR { // it is closed nevertheless
		return nil
	}
	return err
}

// Dup returns the descriptor of f as a number of its own, and closes f.
func Dup(f *os.File) (int, error) {
	defer f.Close()
	return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
}

// Stat describes name in dir, a link itself.
func Stat(dir int, name string, st *unix.Stat_t) error {
	return retryEINTR(func() error { return unix.Fstatat(dir, name, st, unix.AT_SYMLINK_NOFOLLOW) })
}

// Fstat describes fd.
func Fstat(fd int, st *unix.Stat_t) error {
	return retryEINTR(func() error { return unix.Fstat(fd, st) })
}

// retryEINTR makes call until no signal interrupts it.
func retryEINTR(call func() error) error {
	for {
		if err := call(); err != unix.EINTR {
			return err
		}
	}
}

// IsLink reports whether err comes from a link where none may be.
func IsLink(err error) bool {
	return errors.Is(err, unix.ELOOP) || errors.Is(err, unix.EXDEV)
}

// IsGone reports whether err says that a file or its directory is not there.
func IsGone(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ESTALE)
}
