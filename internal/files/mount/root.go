package mount

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

const dataLink = "..data"

// A root is an open directory below which links are followed: a version of a
// volume, or a directory of a tree.
type root struct {
	reader  *Reader
	files   *os.Root
	fd      int
	origin  string   // its path as the user knows it
	only    string   // if the user named a link to a file: the name of that file in this directory
	volume  *os.Root // the volume that it is a version of, nil for none
	version string   // the target of ..data when the version was opened
}

// open adds opened, whose files are open, to r, so that Close closes it.
func (r *Reader) open(opened *root) (*root, error) {
	r.mu.Lock()
	r.roots = append(r.roots, opened)
	r.mu.Unlock()
	opened.reader, opened.fd = r, -1
	f, err := opened.files.Open(".")
	if err == nil {
		opened.fd, err = dirfd.Dup(f)
	}
	return opened, err
}

// openVersion opens the current version of volume and takes ownership of
// volume.
func (r *Reader) openVersion(volume *os.Root, origin string) (*root, error) {
	version, err := volume.Readlink(dataLink)
	if err == nil {
		var files *os.Root
		if files, err = volume.OpenRoot(version); err == nil {
			return r.open(&root{files: files, origin: origin, volume: volume, version: version})
		}
	}
	volume.Close()
	if dirfd.IsGone(err) {
		return nil, r.versionRemoved(err)
	}
	return nil, explain(err)
}

// versionRemoved notes that a version was removed, as err reports.
func (r *Reader) versionRemoved(err error) error {
	r.changed.Store(true)
	return fmt.Errorf("%w: %w", ErrChanged, err)
}

// replaced reports whether r is a version of a volume and no longer the current
// one.
func (r *root) replaced() bool {
	if r.volume == nil {
		return false
	}
	now, err := r.volume.Readlink(dataLink)
	return err != nil || now != r.version
}

// follow opens path below r. It follows links that stay below r.
func (r *root) follow(path string, flags int) (int, error) {
	f, err := r.files.OpenFile(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|flags, 0)
	if err != nil {
		return -1, err
	}
	return dirfd.Dup(f)
}

// explain puts err, about a file below r, into words.
func (r *root) explain(err error) error {
	if dirfd.IsGone(err) && !errors.Is(err, ErrChanged) && r.replaced() {
		return r.reader.versionRemoved(err)
	}
	return explain(err)
}

func (r *root) close() {
	r.files.Close()
	unix.Close(r.fd)
	if r.volume != nil {
		r.volume.Close()
	}
}
