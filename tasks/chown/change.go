package chown

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/tasks"
)

// special are the bits of a file that the kernel drops when it changes hands.
const special = fileperm.SetUID | fileperm.SetGID

// A changer changes entries.
type changer struct {
	settings  *settings
	env       *tasks.Env
	report    *report
	announced *announced
}

// change gives what fd describes its owner and mode. st describes it as well and
// says that it is to be changed.
func (c *changer) change(ctx context.Context, fd int, st *unix.Statx_t, target string) error {
	if st.Nlink > 1 && !isDir(st) {
		if skip, err := c.linked(st, target); skip || err != nil {
			return err
		}
	}
	verb := "chmod"
	if c.settings.wantsOwner(st) {
		verb = "chown"
	}
	err := c.env.Do(ctx, verb, target, func() error { return c.apply(fd, st) })
	if err == nil {
		c.report.changed.Add(1)
	}
	return err
}

// linked says what to do with a file that has other names.
func (c *changer) linked(st *unix.Statx_t, target string) (skip bool, err error) {
	switch c.settings.hardlinks {
	case linksSkip:
		c.report.skipped.Add(1)
		return true, nil
	case linksFail:
		return false, tasks.WithNext(fmt.Errorf("%s has %d names (hard links), and a change would show at all of them", target, st.Nlink),
			"remove the other names, or let it pass with --hardlinks=warn or leave it with --hardlinks=skip")
	}
	if c.env.DryRun && !c.announced.first(inode{st.Dev_major, st.Dev_minor, st.Ino}) {
		return true, nil
	}
	c.report.linked.Add(1)
	return false, nil
}

func (c *changer) apply(fd int, st *unix.Statx_t) error {
	mode := uint32(st.Mode) & fileperm.AllBits
	want := c.settings.mode(st.Mode)
	if !c.settings.wantsOwner(st) {
		return c.chmod(fd, want)
	}
	var capability []byte
	if c.settings.preserve && isFile(st) {
		var err error
		if capability, err = readCapability(fd); err != nil {
			return fmt.Errorf("read its capabilities: %w", err)
		}
	}
	if err := dirfd.Chown(fd, c.settings.owner.UID, c.settings.owner.GID); err != nil {
		return err
	}
	if isFile(st) && mode&special != 0 {
		after, err := modeOf(fd)
		if err != nil {
			return err
		}
		if !c.settings.preserve {
			want = c.settings.mode(unix.S_IFREG | uint16(after))
			if after != mode {
				c.report.stripped.Add(1)
			}
		}
		mode = after
	}
	if want != mode {
		if err := c.chmod(fd, want); err != nil {
			return err
		}
	}
	if capability == nil {
		return nil
	}
	if err := unix.Setxattr(dirfd.ProcPath(fd), capabilityName, capability, 0); err != nil {
		return &opError{opCapability, err}
	}
	return nil
}

// modeOf returns the mode that fd has now.
func modeOf(fd int) (uint32, error) {
	var st unix.Statx_t
	err := dirfd.Statx(fd, "", unix.STATX_MODE, &st)
	return uint32(st.Mode) & fileperm.AllBits, err
}

// chmod sets the mode and looks whether the kernel has, for it silently drops
// the setgid bit where the caller may not set it.
func (c *changer) chmod(fd int, mode uint32) error {
	if err := dirfd.Chmod(fd, mode); err != nil {
		return &opError{opMode, err}
	}
	if mode&fileperm.SetGID == 0 {
		return nil
	}
	if now, err := modeOf(fd); err != nil || now&fileperm.SetGID != 0 {
		return err
	}
	return &opError{opSetGID, unix.EPERM}
}

const capabilityName = "security.capability"

// readCapability returns the file capabilities of what fd describes, nil if it
// has none.
func readCapability(fd int) ([]byte, error) {
	var buf [64]byte // struct vfs_ns_cap_data has 24 bytes
	n, err := unix.Getxattr(dirfd.ProcPath(fd), capabilityName, buf[:])
	switch err {
	case nil:
		return append([]byte(nil), buf[:n]...), nil
	case unix.ENODATA, unix.EOPNOTSUPP, unix.ENOSYS:
		return nil, nil
	}
	return nil, err
}

// What was tried when an entry could not be changed.
const (
	opMode       = "set its mode"
	opSetGID     = "set its setgid bit"
	opCapability = "restore its capabilities"
	opRead       = "read the directory"
)

// An opError is a failed step, where it is not the one that the verb names.
type opError struct {
	op  string
	err error
}

func (e *opError) Error() string { return e.op + ": " + e.err.Error() }
func (e *opError) Unwrap() error { return e.err }

// opOf returns the step at which err came up, "" for the change of the owner.
func opOf(err error) string {
	if e, ok := errors.AsType[*opError](err); ok {
		return e.op
	}
	return ""
}

// capabilities returns what may be needed, as a securityContext names it.
func (s *settings) capabilities() []string {
	names := []string{"CHOWN", "DAC_OVERRIDE"}
	if !s.file.IsZero() || !s.dir.IsZero() || s.preserve {
		names = append(names, "FOWNER", "FSETID")
	}
	if s.preserve {
		names = append(names, "SETFCAP")
	}
	return names
}

func (s *settings) securityContext() string {
	return "securityContext: {runAsUser: 0, capabilities: {drop: [ALL], add: [" + strings.Join(s.capabilities(), ", ") + "]}}"
}
