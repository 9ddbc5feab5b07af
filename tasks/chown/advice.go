package chown

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"golang.org/x/sys/unix"
)

// credentials are what the process may do.
type credentials struct {
	uid    uint32
	groups []uint32
	caps   uint64 // effective capabilities, a bit each; 0 if they are not known
}

func ownCredentials() *credentials {
	c := &credentials{uid: uint32(os.Geteuid()), groups: []uint32{uint32(os.Getegid())}}
	if groups, err := os.Getgroups(); err == nil {
		for _, g := range groups {
			c.groups = append(c.groups, uint32(g))
		}
	}
	var data [2]unix.CapUserData
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if unix.Capget(&header, &data[0]) == nil {
		c.caps = uint64(data[0].Effective) | uint64(data[1].Effective)<<32
	}
	return c
}

func (c credentials) has(capability uint) bool { return c.caps>>capability&1 != 0 }

// lacks returns the capability that the kernel asks for before it does op to
// what st describes, "" if the process has it or needs none.
func (c credentials) lacks(s *settings, op string, err error, st *unix.Statx_t) string {
	switch {
	case op == opSetGID && !c.has(unix.CAP_FSETID):
		return "FSETID"
	case op == opMode && st.Uid != c.uid && !c.has(unix.CAP_FOWNER):
		return "FOWNER"
	case op == opMode && s.owner.UID != c.uid && s.wantsOwner(st) && !c.has(unix.CAP_FOWNER):
		return "FOWNER" // it has just been given away
	case op == opCapability && !c.has(unix.CAP_SETFCAP):
		return "SETFCAP"
	case errors.Is(err, unix.EACCES) && !c.has(unix.CAP_DAC_OVERRIDE):
		return "DAC_OVERRIDE"
	case op == "" && errors.Is(err, unix.EPERM) && !c.may(s, st):
		return "CHOWN"
	}
	return ""
}

// may reports whether c may give what st describes to the owner of s: with the
// capability, or as the owner to a group that it is in.
func (c credentials) may(s *settings, st *unix.Statx_t) bool {
	group := s.owner.GID
	keepsUser := s.owner.Matches(st.Uid, group)
	return c.has(unix.CAP_CHOWN) ||
		st.Uid == c.uid && keepsUser && (s.owner.Matches(s.owner.UID, st.Gid) || slices.Contains(c.groups, group))
}

// advise says what to do about err, which came up at what fd and st describe.
func (c *credentials) advise(s *settings, err error, fd int, st *unix.Statx_t) string {
	op := opOf(err)
	switch {
	case errors.Is(err, unix.EROFS):
		return "it is mounted read-only: take readOnly off the volumeMount, or leave that part out with --exclude; " +
			"ConfigMaps and Secrets are always read-only: copy them into an emptyDir with initbox copy-config --owner"
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.EOVERFLOW):
		return fmt.Sprintf("no such owner can be stored there: in a user namespace (hostUsers: false) the numbers end where /proc/self/uid_map says, %s", kindOf(fd).owners())
	case !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EACCES):
		return ""
	case st.Attributes&(unix.STATX_ATTR_IMMUTABLE|unix.STATX_ATTR_APPEND) != 0:
		return "it is immutable or append-only: run chattr -i -a on the node, or leave it out with --exclude"
	}
	if name := c.lacks(s, op, err, st); name != "" {
		who := "root"
		if c.uid != 0 {
			who = fmt.Sprintf("UID %d", c.uid)
		}
		return fmt.Sprintf("%s lacks the capability %s here: give the container %s", who, name, s.securityContext())
	}
	return kindOf(fd).squashes()
}

// A kind is a kind of file system, by its magic number.
type kind int64

func kindOf(fd int) kind {
	var st unix.Statfs_t
	if err := unix.Fstatfs(fd, &st); err != nil {
		return 0
	}
	return kind(st.Type)
}

// netOwners are file systems whose server or mount options decide on owners.
var netOwners = map[kind]string{
	unix.SMB_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB",
	unix.V9FS_MAGIC: "9p", unix.FUSE_SUPER_MAGIC: "FUSE", unix.MSDOS_SUPER_MAGIC: "FAT", unix.EXFAT_SUPER_MAGIC: "exFAT",
}

// squashes says why somebody who may change owners may not here.
func (k kind) squashes() string {
	if k == unix.NFS_SUPER_MAGIC {
		return "the NFS server refuses it, as one does that squashes root: export the share with no_root_squash, " +
			"or on EFS use an access point that has the owner as its POSIX user, " +
			"or run as the owner of the files (runAsUser) or in their group (supplementalGroups)"
	}
	if name, ok := netOwners[k]; ok {
		return fmt.Sprintf("a %s file system often has no owners to change: set uid=, gid=, file_mode= and dir_mode= in the mountOptions of its volume", name)
	}
	return "something else than permissions refuses it: look at the node for a security module (SELinux, AppArmor) or an attribute (lsattr)"
}

func (k kind) owners() string {
	if name, ok := netOwners[k]; ok {
		return fmt.Sprintf("and a %s file system has owners only by its mount options", name)
	}
	return "and some file systems have no owners at all"
}
