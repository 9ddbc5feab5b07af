package chown

import (
	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/fileperm"
)

// statMask is what a walk wants to know of an entry.
const statMask = unix.STATX_TYPE | unix.STATX_MODE | unix.STATX_NLINK | unix.STATX_UID | unix.STATX_GID | unix.STATX_INO | unix.STATX_MNT_ID

// A plan is what a Task asks for, parsed.
type plan struct {
	owner     fileperm.Owner
	file, dir fileperm.Mode
	exclude   []string
	hardlinks string
	preserve  bool
	cross     bool
}

// wantsOwner reports whether what st describes must change hands.
func (p *plan) wantsOwner(st *unix.Statx_t) bool { return !p.owner.Matches(st.Uid, st.Gid) }

// mode returns the mode that a file of type and mode shall have. Links have none.
func (p *plan) mode(mode uint16) uint32 {
	switch mode & unix.S_IFMT {
	case unix.S_IFLNK:
		return uint32(mode) & fileperm.AllBits
	case unix.S_IFDIR:
		return p.dir.Apply(uint32(mode), true)
	default:
		return p.file.Apply(uint32(mode), false)
	}
}

// wants reports whether what st describes must change at all.
func (p *plan) wants(st *unix.Statx_t) bool {
	return p.wantsOwner(st) || p.mode(st.Mode) != uint32(st.Mode)&fileperm.AllBits
}

// holds reports whether what st describes, which must change, is to be held by a
// descriptor meanwhile, and looked at again. Else its name in the directory, which
// is held, will do: that costs half as many calls. What somebody puts there
// between the look and the change, a link even, gets the owner as it would have
// had it been there at the look; the warnings about hard links and lost bits may
// miss it, and a mode that it should have is for the next run.
func (p *plan) holds(st *unix.Statx_t) bool {
	return st.Nlink > 1 || p.hardlinks != linksWarn ||
		isFile(st) && (p.preserve || uint32(st.Mode)&special != 0) ||
		p.mode(st.Mode) != uint32(st.Mode)&fileperm.AllBits
}

func isDir(st *unix.Statx_t) bool  { return st.Mode&unix.S_IFMT == unix.S_IFDIR }
func isFile(st *unix.Statx_t) bool { return st.Mode&unix.S_IFMT == unix.S_IFREG }
