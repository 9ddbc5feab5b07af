package chown

import (
	"fmt"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/fileperm"
)

const (
	ownerReads  = 0o400
	ownerEnters = 0o100
)

// canUnlock reports whether the mode is what keeps us out, and we may change it, and
// back: without FSETID the kernel drops the setgid bit of a group we are not in.
func (j *job) canUnlock(st *unix.Statx_t) bool {
	inherits := st.Mode&fileperm.SetGID != 0
	return !j.env.DryRun && st.Uid == j.creds.uid &&
		st.Mode&ownerReads == 0 && j.settings.mode(st.Mode)&ownerReads != 0 &&
		(!inherits || j.creds.has(unix.CAP_FSETID) || slices.Contains(j.creds.groups, st.Gid))
}

// unlock opens a root that its owner may only read once it has its new mode, which
// it cannot have before the walk is over. Only as long as it takes to open it is it
// readable, and during the walk its owner may just enter it: that is not the new
// mode either, so a walk that is killed leaves no root that says all is done.
func (j *job) unlock(root *root) (fd int, lock func(), err error) {
	old := uint32(root.st.Mode) & fileperm.AllBits
	set := func(mode uint32) error {
		if err := dirfd.Chmod(root.pin, mode); err != nil {
			return &opError{opMode, err}
		}
		return nil
	}
	if err := set(old | ownerReads | ownerEnters); err != nil {
		return -1, nil, err
	}
	lock = func() {
		if err := set(old); err != nil {
			err = fmt.Errorf("close %s again after the walk: %w", root.path, err)
			j.report.fail(err, func() string { return j.creds.advise(j.settings, err, root.pin, &root.st) })
		}
	}
	if fd, err = dirfd.OpenDir(root.pin, ""); err == nil {
		if err = set(old | ownerEnters); err != nil {
			unix.Close(fd)
		}
	}
	if err != nil {
		lock()
		return -1, nil, err
	}
	return fd, lock, nil
}
