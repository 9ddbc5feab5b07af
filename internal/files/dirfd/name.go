package dirfd

import (
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A Name is the name of an entry with the NUL behind it that system calls ask
// for. Package unix would copy a string for each call, which counts where every
// file of a volume is looked at.
type Name struct{ terminated string }

// CutName returns the first name of text, in which each ends with a NUL, and the
// rest of text. They share its memory.
func CutName(text string) (name Name, rest string) {
	end := strings.IndexByte(text, 0) + 1
	return Name{text[:end]}, text[end:]
}

// String returns the name without the NUL.
func (n Name) String() string { return strings.TrimSuffix(n.terminated, "\x00") }

// pointer returns what the kernel reads; an empty path if there is no name.
func (n Name) pointer() unsafe.Pointer {
	if n.terminated == "" {
		return unsafe.Pointer(&noPath)
	}
	return unsafe.Pointer(unsafe.StringData(n.terminated))
}

// noPath is the empty path.
var noPath [1]byte

// Statx describes the entry n of dir as [Statx] does.
func (n Name) Statx(dir, mask int, st *unix.Statx_t) error {
	return statx(dir, n, unix.AT_SYMLINK_NOFOLLOW, mask, st)
}

// Chown sets the owner of the entry n of dir, of a link itself. Whatever has the
// name at that moment gets it: who must be sure holds a descriptor and calls
// [Chown].
func (n Name) Chown(dir int, uid, gid uint32) error {
	return chown(dir, n, unix.AT_SYMLINK_NOFOLLOW, uid, gid)
}
