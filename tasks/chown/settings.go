package chown

import (
	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/fileperm"
)

// statMask is what a walk wants to know of an entry.
const statMask = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_NLINK | unix.STATX_UID | unix.STATX_GID | unix.STATX_INO | unix.STATX_MNT_ID

// settings are what a Task asks for, parsed.
type settings struct {
	owner     fileperm.Owner
	file, dir fileperm.Mode
	exclude   []string
	hardlinks string
	preserve  bool
	cross     bool
}

// wantsOwner reports whether what st describes must change hands.
func (s *settings) wantsOwner(st *unix.Statx_t) bool { return !s.owner.Matches(st.Uid, st.Gid) }

// mode returns the mode that a file of type and mode shall have. Links have none.
func (s *settings) mode(mode uint16) uint32 {
	switch mode & unix.S_IFMT {
	case unix.S_IFLNK:
		return uint32(mode) & fileperm.AllBits
	case unix.S_IFDIR:
		return s.dir.Apply(uint32(mode), true)
	default:
		return s.file.Apply(uint32(mode), false)
	}
}

// wants reports whether what st describes must change at all.
func (s *settings) wants(st *unix.Statx_t) bool {
	return s.wantsOwner(st) || s.mode(st.Mode) != uint32(st.Mode)&fileperm.AllBits
}

// needsPin reports whether what st describes, which must change, is to be held by a
// descriptor meanwhile, and looked at again. Else its name in the directory, which
// is held, will do: that costs half as many calls. What somebody puts there
// between the look and the change, a link even, gets the owner as it would have
// had it been there at the look; the warnings about hard links and lost bits may
// miss it, and a mode that it should have is for the next run.
func (s *settings) needsPin(st *unix.Statx_t) bool {
	return st.Nlink > 1 || s.hardlinks != linksWarn ||
		isFile(st) && (s.preserve || uint32(st.Mode)&special != 0) ||
		s.mode(st.Mode) != uint32(st.Mode)&fileperm.AllBits
}

func isDir(st *unix.Statx_t) bool  { return st.Mode&unix.S_IFMT == unix.S_IFDIR }
func isFile(st *unix.Statx_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }
