package dirfd

import (
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Statx describes name in dir, a link itself, or dir if name is "". It asks for
// what mask says and does not wake an automounter.
func Statx(dir int, name string, mask int, st *unix.Statx_t) error {
	if name == "" {
		return statx(dir, Name{}, unix.AT_EMPTY_PATH, mask, st)
	}
	return retryEINTR(func() error {
		return unix.Statx(dir, name, unix.AT_SYMLINK_NOFOLLOW|unix.AT_NO_AUTOMOUNT, mask, st)
	})
}

// statx calls the kernel without the detour by which package unix does.
func statx(dir int, name Name, flags, mask int, st *unix.Statx_t) error {
	for {
		_, _, errno := syscall.Syscall6(unix.SYS_STATX, uintptr(dir), uintptr(name.pointer()),
			uintptr(flags|unix.AT_NO_AUTOMOUNT), uintptr(mask), uintptr(unsafe.Pointer(st)), 0)
		if errno != unix.EINTR {
			return asError(errno)
		}
	}
}

func asError(errno unix.Errno) error {
	if errno == 0 {
		return nil
	}
	return errno
}

// A Mount tells mounts apart, as far as the kernel does: Linux before 5.8 only
// knows the device, which bind mounts share.
type Mount struct {
	id    uint64
	major uint32
	minor uint32
}

// MountOf returns the mount of what st describes; its mask must have asked for
// STATX_MNT_ID.
func MountOf(st *unix.Statx_t) Mount {
	if st.Mask&unix.STATX_MNT_ID != 0 {
		return Mount{id: st.Mnt_id}
	}
	return Mount{major: st.Dev_major, minor: st.Dev_minor}
}
