package mount

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

const dataLink = "..data"

// A root is an opened directory, beneath which links are followed: a version of a
// volume, or a directory of a tree.
type root struct {
	reader  *Reader
	files   *os.Root
	fd      int
	origin  string   // the path that the user knows it under
	only    string   // if the user named a link to a file: what that is called here
	volume  *os.Root // what it is a version of, nil if it is none
	version string   // what ..data led to then
}

// open makes opened, whose files are open, one of r: Close closes it from now on.
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

// openVersion opens the present version of volume, which it takes over.
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
		return nil, r.gone(err)
	}
	return nil, explain(err)
}

// gone notes that a version was removed, which err says.
func (r *Reader) gone(err error) error {
	r.changed.Store(true)
	return fmt.Errorf("%w: %w", ErrChanged, err)
}

// replaced reports whether r is a version of a volume, and no longer its present one.
func (r *root) replaced() bool {
	if r.volume == nil {
		return false
	}
	now, err := r.volume.Readlink(dataLink)
	return err != nil || now != r.version
}

// follow opens path beneath r, following links that stay beneath it.
func (r *root) follow(path string, flags int) (int, error) {
	f, err := r.files.OpenFile(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|flags, 0)
	if err != nil {
		return -1, err
	}
	return dirfd.Dup(f)
}

// explain says in words what err of a file beneath r means.
func (r *root) explain(err error) error {
	if dirfd.IsGone(err) && !errors.Is(err, ErrChanged) && r.replaced() {
		return r.reader.gone(err)
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
