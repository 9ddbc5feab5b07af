package dirfd

import (
	"errors"
	"io/fs"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// Chown sets the owner of what fd describes, even if fd was opened with O_PATH.
// An id of ^uint32(0) stays.
func Chown(fd int, uid, gid uint32) error {
	return chown(fd, Name{}, unix.AT_EMPTY_PATH, uid, gid)
}

func chown(dir int, name Name, flags int, uid, gid uint32) error {
	for {
		_, _, errno := syscall.Syscall6(unix.SYS_FCHOWNAT, uintptr(dir), uintptr(name.pointer()),
			uintptr(uid), uintptr(gid), uintptr(flags), 0)
		if errno != unix.EINTR {
			return asError(errno)
		}
	}
}

// Chmod sets the mode of what fd describes, even if fd was opened with O_PATH.
func Chmod(fd int, mode uint32) error {
	err := retryEINTR(func() error { return unix.Fchmodat(fd, "", mode, unix.AT_EMPTY_PATH) })
	switch err {
	case unix.EOPNOTSUPP, unix.ENOSYS, unix.EPERM: // Linux before 6.6, or a seccomp profile of that time
	default:
		return err
	}
	byProc := retryEINTR(func() error { return unix.Fchmodat(unix.AT_FDCWD, ProcPath(fd), mode, 0) })
	if errors.Is(byProc, fs.ErrNotExist) {
		return err // no /proc
	}
	return byProc
}

// ProcPath is a path to what fd describes, for calls that take no descriptor of
// O_PATH.
func ProcPath(fd int) string { return "/proc/self/fd/" + strconv.Itoa(fd) }
