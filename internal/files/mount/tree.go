package mount

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/dirfd"
)

// Open opens path, a file or a directory, for a walk through a tree that others
// may change. It follows links in path itself, because the user wrote it, and all
// other links only if they stay below path. For a directory, name is ""; for a
// file, dir is the directory that contains it.
func (r *Reader) Open(path string) (dir *Dir, name string, err error) {
	path = filepath.Clean(path)
	root, rest, err := r.find(path, path)
	if root == nil && err == nil {
		root, rest, err = r.plain(path)
	}
	if err != nil {
		return nil, "", err
	}
	info, err := root.files.Stat(rest)
	if err != nil {
		return nil, "", root.explain(err)
	}
	if !info.IsDir() {
		rest, name = filepath.Dir(rest), filepath.Base(path)
	}
	dir = &Dir{root: root}
	if rest != "." {
		dir = dir.Sub(rest, true)
	}
	return dir, name, nil
}

// plain opens path, which is in no volume, or, for a file, the directory that
// contains it. If path is a link to a file, it opens the directory of that
// file. rest is the location of path in the opened directory.
func (r *Reader) plain(path string) (opened *root, rest string, err error) {
	at, origin, rest, only := path, path, ".", ""
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		real := path
		if _, notLink := os.Readlink(path); notLink == nil {
			real, err = filepath.EvalSymlinks(path)
			only = filepath.Base(real)
		}
		at, origin, rest = filepath.Dir(real), filepath.Dir(path), filepath.Base(real)
	}
	if err != nil {
		return nil, "", explain(err)
	}
	for _, known := range r.roots {
		if known.volume == nil && known.origin == origin && known.only == "" && only == "" {
			return known, rest, nil
		}
	}
	files, err := os.OpenRoot(at)
	if err != nil {
		return nil, "", explain(err)
	}
	opened, err = r.open(&root{files: files, origin: origin, only: only})
	return opened, rest, err
}

// List returns the entries of the directory path, sorted by name, and the
// directory that contains them, for callers that do not walk a tree.
func (r *Reader) List(path string) (*Dir, []Entry, error) {
	dir, name, err := r.Open(path)
	switch {
	case err != nil:
		return nil, nil, err
	case name != "":
		return nil, nil, fault.WithNext(errors.New("it is not a directory"), nextMount)
	}
	return dir.List(make([]byte, dirfd.ListBuffer))
}

// A Dir is a directory of a tree. It is opened for each use, because a tree may
// have more directories than a process may have open files.
type Dir struct {
	root   *root
	parent *Dir
	name   string
	linked bool // a link may be on the path from the root
	id     ID
}

// An ID identifies a directory.
type ID struct{ Dev, Ino uint64 }

// Is reports whether d is the directory id. List must have been called on d.
func (d *Dir) Is(id ID) bool { return d.id == id }

// Live reports whether d is in a version of a volume, which kubelet may remove
// at any time: read its files before you write any of them elsewhere.
func (d *Dir) Live() bool { return d.root.volume != nil }

// Sub returns the directory name in d. Set linked if name may be a link.
func (d *Dir) Sub(name string, linked bool) *Dir {
	return &Dir{root: d.root, parent: d, name: name, linked: linked || d.linked}
}

// path returns the location of d below its root, "." for the root itself.
func (d *Dir) path() string {
	var parts []string
	for ; d.parent != nil; d = d.parent {
		parts = append(parts, d.name)
	}
	if len(parts) == 0 {
		return "."
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// Path returns the path of name in d as the user would write it.
func (d *Dir) Path(name string) string { return filepath.Join(d.root.origin, d.path(), name) }

// Open opens d.
func (d *Dir) Open() (fd int, err error) {
	if d.linked {
		fd, err = d.root.follow(d.path(), unix.O_DIRECTORY)
	} else {
		fd, err = dirfd.OpenDir(d.root.fd, d.path())
	}
	if err != nil {
		return -1, d.root.explain(err)
	}
	return fd, nil
}

// OpenFile opens the regular file name in d, which is open as fd.
func (d *Dir) OpenFile(fd int, name string, st *unix.Stat_t) (int, error) {
	file, err := d.openName(fd, name)
	if file, err = regular(file, err, st); err != nil {
		return -1, d.explain(err)
	}
	return file, nil
}

// Read returns the regular file name in d, of at most limit bytes.
func (d *Dir) Read(name string, limit int64) (*File, error) {
	fd, err := d.Open()
	if err != nil {
		return nil, err
	}
	defer unix.Close(fd)
	file, err := d.openName(fd, name)
	return read(file, err, limit, d.explain)
}

func (d *Dir) openName(fd int, name string) (int, error) {
	if d.root.only != "" {
		name = d.root.only
	}
	file, err := dirfd.Open(fd, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err == unix.ELOOP {
		return d.root.follow(d.path()+"/"+name, 0)
	}
	return file, err
}

// explain puts err into words; it is about a file that existed a moment before.
func (d *Dir) explain(err error) error {
	if dirfd.IsGone(err) {
		return d.root.reader.versionRemoved(err)
	}
	return explain(err)
}
