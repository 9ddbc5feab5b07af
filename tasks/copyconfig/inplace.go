package copyconfig

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/filecopy"
)

var (
	errLinks   = errors.New("it has other names (hard links), which writing in place would change too")
	errTorn    = errors.New("it is written in part")
	errNotFile = errors.New("it is not a regular file, and --in-place replaces nothing")
)

// overwrite writes f into the file that is in its place. A reader may see a part
// of it, and so does everybody after a crash, until the next run.
func (pl *place) overwrite(ctx context.Context, w *scratch, f *file, in *content) (err error) {
	fd, err := pl.openExisting(f.name)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := dirfd.Close(fd); err == nil {
			err = closeErr
		}
	}()
	var st unix.Stat_t
	if err := dirfd.Fstat(fd, &st); err != nil {
		return err
	}
	switch {
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return errNotFile
	case st.Nlink > 1:
		return errLinks
	}
	if err := reserve(fd, &st, in.size()); err != nil {
		return err
	}
	if in.size() < st.Size {
		if err := dirfd.Truncate(fd, in.size()); err != nil {
			return err
		}
	}
	if err := pl.fill(ctx, w, fd, in, false); err != nil {
		if err == unix.ENOSPC || err == unix.EDQUOT {
			err = fmt.Errorf("%w: %w", errTorn, err)
		}
		return err
	}
	if err := pl.p.attributes(pl.mode(f, in)).Apply(fd, st.Mode&0o7777); err != nil {
		return err
	}
	if pl.sync {
		return dirfd.Sync(fd)
	}
	return nil
}

// reserve makes room for size bytes in fd, which is as st says, so that a full
// disk is noticed while the old content is still there. Blocks that the file has
// are reused: nothing is truncated that will be written.
func reserve(fd int, st *unix.Stat_t, size int64) error {
	if size == 0 || size <= st.Size && !filecopy.IsSparse(st) {
		return nil
	}
	err := error(unix.EINTR)
	for err == unix.EINTR {
		err = unix.Fallocate(fd, unix.FALLOC_FL_KEEP_SIZE, 0, size)
	}
	switch err {
	case unix.ENOSPC, unix.EDQUOT, unix.EFBIG:
		return err
	}
	return nil // the file system cannot reserve; the write will tell
}

// openExisting opens the file name for writing, also if its owner, whom we are,
// has no right to.
func (pl *place) openExisting(name string) (int, error) {
	const flags = unix.O_RDWR | unix.O_NOFOLLOW
	fd, err := dirfd.Open(pl.fd, name, flags, 0)
	switch err {
	case nil:
		return fd, nil
	case unix.ELOOP, unix.EISDIR, unix.ENXIO:
		return -1, errNotFile
	case unix.EACCES:
	default:
		return -1, err
	}
	pin, pinErr := dirfd.Open(pl.fd, name, unix.O_PATH|unix.O_NOFOLLOW, 0)
	if pinErr != nil {
		return -1, err
	}
	defer unix.Close(pin)
	var st unix.Stat_t
	if dirfd.Fstat(pin, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Nlink > 1 {
		return -1, err
	}
	if chmodErr := dirfd.Chmod(pin, st.Mode&0o7777|0o600); chmodErr != nil {
		return -1, fmt.Errorf("%w (and its mode cannot be changed: %w)", err, chmodErr)
	}
	return dirfd.Open(pl.fd, name, flags, 0)
}
