// Package atomicfile makes files and directories under a temporary name in the
// directory where they belong, and renames them when they are whole: a reader
// sees the old file or the new one, and so does whoever comes after a crash.
// What a crash leaves has a recognizable name, see [IsTemp].
package atomicfile

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/filecopy"
)

const (
	prefix = ".initbox-"
	suffix = ".tmp"
)

// IsTemp reports whether name is one that this package gives to what is not
// whole yet.
func IsTemp(name string) bool {
	middle, ok := strings.CutPrefix(name, prefix)
	middle, ok2 := strings.CutSuffix(middle, suffix)
	return ok && ok2 && len(middle) == 16 && strings.Trim(middle, "0123456789abcdef") == ""
}

// NewName returns a temporary name that nobody can guess.
func NewName() string { return fmt.Sprintf("%s%016x%s", prefix, rand.Uint64(), suffix) }

// Attributes are what a file has besides its content.
type Attributes struct {
	Mode    uint32
	Inherit bool // a new directory keeps the setgid bit that it has from the one it is in
	Own     bool // give it to UID and GID, which may be fileperm.Keep
	UID     uint32
	GID     uint32
}

const special = unix.S_ISUID | unix.S_ISGID

// Apply gives fd, a file or directory, its owner and mode. had is the mode that
// it has.
func (a Attributes) Apply(fd int, had uint32) error {
	first := a.Mode
	if a.Own {
		first &^= special &^ had // not under the wrong owner
	}
	var refused error
	if first != had {
		// Before it is given away: who is not its owner needs FOWNER for its mode.
		refused = dirfd.Fchmod(fd, first)
		if refused != nil && (refused != unix.EPERM || !a.Own) {
			return &ModeError{a.Mode, refused}
		}
	}
	if a.Own {
		if err := dirfd.Chown(fd, a.UID, a.GID); err != nil {
			return &OwnerError{a.UID, a.GID, err}
		}
	}
	if refused == nil && a.Mode&special == 0 {
		return nil
	}
	return a.finish(fd)
}

// finish sets what is missing of the mode: chown(2) clears the setuid and setgid
// bits of a file, and chmod(2) may leave setgid out without a word.
func (a Attributes) finish(fd int) error {
	var st unix.Stat_t
	if err := dirfd.Fstat(fd, &st); err != nil || st.Mode&0o7777 == a.Mode {
		return err
	}
	if err := dirfd.Fchmod(fd, a.Mode); err != nil {
		return &ModeError{a.Mode, err}
	}
	if err := dirfd.Fstat(fd, &st); err != nil || st.Mode&0o7777 == a.Mode {
		return err
	}
	return &ModeError{a.Mode, ErrDropped}
}

// ErrDropped says that the kernel has set a mode but for its setgid bit.
var ErrDropped = errors.New("the kernel leaves out the setgid bit")

// A ModeError is a refusal to set a mode.
type ModeError struct {
	Mode uint32
	Err  error
}

func (e *ModeError) Error() string { return fmt.Sprintf("chmod to %04o: %v", e.Mode, e.Err) }

func (e *ModeError) Unwrap() error { return e.Err }

// An OwnerError is a refusal to give a file away.
type OwnerError struct {
	UID, GID uint32
	Err      error
}

func (e *OwnerError) Error() string {
	return fmt.Sprintf("chown to %d:%d: %v", int32(e.UID), int32(e.GID), e.Err)
}

func (e *OwnerError) Unwrap() error { return e.Err }

// A Temp is a file that is not whole yet. It ends with Commit or Discard.
type Temp struct {
	FD   int
	dir  int
	name string
}

const created = 0o600

// Create makes a file in dir that nobody else can read.
func Create(dir int) (*Temp, error) {
	for {
		name := NewName()
		fd, err := dirfd.Open(dir, name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, created)
		switch err {
		case nil:
			return &Temp{FD: fd, dir: dir, name: name}, nil
		case unix.EEXIST:
		default:
			return nil, err
		}
	}
}

// Finish gives the file its owner and mode when it has its content.
func (t *Temp) Finish(a Attributes) error { return a.Apply(t.FD, created) }

// Commit gives the file its name, in place of what has it, after it was written
// to the disk if sync is set. The directory is left to the caller.
func (t *Temp) Commit(name string, sync bool) error {
	if sync {
		if err := dirfd.Sync(t.FD); err != nil {
			return t.Discard(err)
		}
	}
	if err := t.close(); err != nil {
		return t.Discard(err)
	}
	if err := dirfd.Rename(t.dir, t.name, name); err != nil {
		return t.Discard(err)
	}
	return nil
}

// Discard removes the file and returns err.
func (t *Temp) Discard(err error) error {
	_ = t.close()
	_ = dirfd.Remove(t.dir, t.name, false)
	return err
}

// close closes the descriptor once.
func (t *Temp) close() error {
	if t.FD < 0 {
		return nil
	}
	fd := t.FD
	t.FD = -1
	return dirfd.Close(fd)
}

// WriteFile replaces the file name in dir by one with this content.
func WriteFile(dir int, name string, data []byte, a Attributes, sync bool) error {
	t, err := Create(dir)
	if err != nil {
		return err
	}
	if err = filecopy.WriteAt(t.FD, data, 0); err == nil {
		err = t.Finish(a)
	}
	if err != nil {
		return t.Discard(err)
	}
	if err := t.Commit(name, sync); err != nil || !sync {
		return err
	}
	return dirfd.Sync(dir)
}

// Symlink replaces name in dir, which is no directory, by a link to target.
func Symlink(dir int, target, name string) error {
	temp := NewName()
	if err := dirfd.Symlink(dir, target, temp); err != nil {
		return err
	}
	err := dirfd.Rename(dir, temp, name)
	if err != nil {
		_ = dirfd.Remove(dir, temp, false)
	}
	return err
}
