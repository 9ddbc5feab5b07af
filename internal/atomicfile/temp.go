// Package atomicfile makes files and directories under a temporary name in the
// directory where they belong, and renames them when they are whole: a reader
// sees the old file or the new one, and so does whoever comes after a crash.
// What a crash leaves has a recognizable name, see [IsTemp].
package atomicfile

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/dirfd"
	"github.com/initbox/initbox/internal/filecopy"
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
	Mode uint32
	Own  bool // give it to UID and GID, which may be fileperm.Keep
	UID  uint32
	GID  uint32
}

// Apply gives fd, a file or directory of our own, its owner and mode. had is the
// mode that it has.
func (a Attributes) Apply(fd int, had uint32) error {
	if a.Own {
		// The mode comes after: chown(2) may clear bits of it.
		if err := dirfd.Chown(fd, a.UID, a.GID); err != nil {
			return &OwnerError{a.UID, a.GID, err}
		}
	}
	if a.Mode == had {
		return nil
	}
	return dirfd.Fchmod(fd, a.Mode)
}

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
		t := &Temp{dir: dir, name: NewName()}
		var err error
		t.FD, err = dirfd.Open(dir, t.name, unix.O_RDWR|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW, created)
		switch err {
		case nil:
			return t, nil
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
	t.close()
	dirfd.Remove(t.dir, t.name, false)
	return err
}

// close closes the descriptor once; NFS tells only then of a full disk.
func (t *Temp) close() error {
	if t.FD < 0 {
		return nil
	}
	err := unix.Close(t.FD)
	t.FD = -1
	if err == unix.EINTR {
		return nil
	}
	return err
}

// WriteFile replaces the file name in dir by one with this content.
func WriteFile(dir int, name string, data []byte, a Attributes, sync bool) error {
	t, err := Create(dir)
	if err != nil {
		return err
	}
	if err := filecopy.WriteAt(t.FD, data, 0); err != nil {
		return t.Discard(err)
	}
	if err := t.Finish(a); err != nil {
		return t.Discard(err)
	}
	if err := t.Commit(name, sync); err != nil {
		return err
	}
	if sync {
		return dirfd.Sync(dir)
	}
	return nil
}

// Symlink replaces name in dir, which is no directory, by a link to target.
func Symlink(dir int, target, name string) error {
	temp := NewName()
	if err := dirfd.Symlink(dir, target, temp); err != nil {
		return err
	}
	if err := dirfd.Rename(dir, temp, name); err != nil {
		dirfd.Remove(dir, temp, false)
		return err
	}
	return nil
}
