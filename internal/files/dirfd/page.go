package dirfd

import (
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

const offNext = unsafe.Offsetof(unix.Dirent{}.Off)

// ListPage is one step of [List], for directories whose entries do not fit into
// memory: it visits as many entries as one system call gives. next is where the
// listing goes on, for [Seek] should fd be closed meanwhile; more is false at
// the end.
func ListPage(fd int, buf []byte, visit func(name []byte, kind byte)) (next int64, more bool, err error) {
	n, err := unix.Getdents(fd, buf)
	for err == unix.EINTR {
		n, err = unix.Getdents(fd, buf)
	}
	if err != nil || n <= 0 {
		return 0, false, err
	}
	for rest := buf[:n]; len(rest) > 0; {
		name, kind, size := entry(rest)
		if size == 0 {
			return 0, false, unix.EIO
		}
		next = int64(binary.NativeEndian.Uint64(rest[offNext:]))
		rest = rest[size:]
		if string(name) != "." && string(name) != ".." {
			visit(name, kind)
		}
	}
	return next, true, nil
}

// Seek lets the listing of the directory fd go on at next.
func Seek(fd int, next int64) error {
	_, err := unix.Seek(fd, next, unix.SEEK_SET)
	return err
}
