package mount

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/filecopy"
)

// A File is the content, mode and owner of a file.
type File struct {
	Data []byte
	Mode fs.FileMode // permissions only
	UID  uint32
}

// Read returns the regular file at path. A file of more than limit bytes gives
// a [TooLarge] error.
func (r *Reader) Read(path string, limit int64) (*File, error) {
	path = filepath.Clean(path)
	volume, rest, err := r.find(filepath.Dir(path), path)
	switch {
	case err != nil:
		return nil, err
	case volume == nil:
		return ReadFile(path, limit)
	}
	fd, err := volume.follow(rest, 0)
	return read(fd, err, limit, volume.explain)
}

// ReadFile is [Reader.Read] for a single file, whose version need not match
// that of other files.
func ReadFile(path string, limit int64) (*File, error) {
	fd, err := dirfd.Open(unix.AT_FDCWD, path, unix.O_RDONLY, 0)
	return read(fd, err, limit, func(err error) error {
		if _, lost := os.Lstat(path); lost == nil && dirfd.IsGone(err) {
			return fault.WithNext(dangling(err), nextMissing)
		}
		return explain(err)
	})
}

// read reads and closes the file that was opened as fd; err is the error of
// opening it.
func read(fd int, err error, limit int64, explain func(error) error) (*File, error) {
	var st unix.Stat_t
	if fd, err = regular(fd, err, &st); err != nil {
		return nil, advised(explain(err), nextMount)
	}
	defer unix.Close(fd)
	data, err := filecopy.ReadAll(context.Background(), fd, st.Size, limit)
	if err == unix.EFBIG {
		err = &TooLarge{Size: max(st.Size, limit+1), Limit: limit}
	}
	if err != nil {
		return nil, fault.WithNext(err, nextMount)
	}
	return &File{Data: data, Mode: fs.FileMode(st.Mode).Perm(), UID: st.Uid}, nil
}

// regular stats the file that was opened as fd; err is the error of opening it.
// It closes anything but a regular file.
func regular(fd int, err error, st *unix.Stat_t) (int, error) {
	if err != nil {
		return -1, err
	}
	err = dirfd.Fstat(fd, st)
	switch {
	case err != nil:
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		err = errDirectory
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		err = ErrSpecial
	default:
		return fd, nil
	}
	unix.Close(fd)
	return -1, err
}
