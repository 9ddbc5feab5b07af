package dirfd

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Kinds of entries, as getdents64 gives them.
const (
	Unknown = unix.DT_UNKNOWN
	Regular = unix.DT_REG
	Dir     = unix.DT_DIR
	Link    = unix.DT_LNK
)

// ListBuffer is a good size for the buffer of [List].
const ListBuffer = 32 << 10

// List calls visit for each entry of the directory fd but "." and "..", in the
// order of the file system. The name is only valid during the call. The kind may
// be [Unknown]; [KindOf] tells then. fd must not have been listed before.
func List(fd int, buf []byte, visit func(name []byte, kind byte) error) error {
	for {
		if _, more, err := ListPage(fd, buf, visit); err != nil || !more {
			return err
		}
	}
}

// Names returns the names that [List] visits.
func Names(fd int) (names []string, err error) {
	err = List(fd, make([]byte, ListBuffer), func(name []byte, _ byte) error {
		names = append(names, string(name))
		return nil
	})
	return names, err
}

// ListPage is one step of [List], for directories whose entries do not fit into
// memory: it visits as many entries as one system call gives. next is where the
// listing goes on, for a seek should fd be closed meanwhile; more is false at
// the end.
func ListPage(fd int, buf []byte, visit func(name []byte, kind byte) error) (next int64, more bool, err error) {
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
		if string(name) == "." || string(name) == ".." {
			continue
		}
		if err := visit(name, kind); err != nil {
			return 0, false, err
		}
	}
	return next, true, nil
}

const (
	offNext   = unsafe.Offsetof(unix.Dirent{}.Off)
	offReclen = unsafe.Offsetof(unix.Dirent{}.Reclen)
	offType   = unsafe.Offsetof(unix.Dirent{}.Type)
	offName   = unsafe.Offsetof(unix.Dirent{}.Name)
)

// entry reads the record at the front of b, of size bytes; 0 if it is not whole.
func entry(b []byte) (name []byte, kind byte, size int) {
	if len(b) <= int(offName) {
		return nil, 0, 0
	}
	size = int(binary.NativeEndian.Uint16(b[offReclen:]))
	if size <= int(offName) || size > len(b) {
		return nil, 0, 0
	}
	name = b[offName:size]
	if i := bytes.IndexByte(name, 0); i >= 0 {
		name = name[:i]
	}
	return name, b[offType], size
}

// KindOf returns the kind of a file with this st_mode.
func KindOf(mode uint32) byte { return byte(mode & unix.S_IFMT >> 12) }
