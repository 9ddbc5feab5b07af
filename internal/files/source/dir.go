package source

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// Why an entry is not read.
var (
	ErrOutside = errors.New("the link leads outside of the source, or is absolute")
	ErrLoop    = errors.New("the link leads back to a directory that it is in")
	ErrSpecial = errors.New("it is neither a file nor a directory")
)

// A Dir is a directory of a source. It is opened for each use: a tree has more
// of them than a process may have open.
type Dir struct {
	set    *Set
	root   *root
	parent *Dir
	name   string
	linked bool // a link may be on the way from the root
	id     ID
}

// An ID tells directories apart.
type ID struct{ Dev, Ino uint64 }

// Live reports whether d is in a volume of kubelet: its files must be read
// before [Set.Current] is asked, and be written only afterwards.
func (d *Dir) Live() bool { return d.root.live }

// Sub returns the directory name in d; linked says that it may be a link.
func (d *Dir) Sub(name string, linked bool) *Dir {
	return &Dir{set: d.set, root: d.root, parent: d, name: name, linked: linked || d.linked}
}

// path returns where d is beneath its root, "." for the root itself.
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

// Origin returns the path of d as the user would write it.
func (d *Dir) Origin() string { return filepath.Join(d.root.origin, d.path()) }

// Open opens d.
func (d *Dir) Open() (int, error) {
	fd, err := d.open(d.path())
	if err != nil {
		return -1, d.root.explain(err)
	}
	return fd, nil
}

func (d *Dir) open(path string) (int, error) {
	if !d.linked {
		return dirfd.OpenDir(d.root.fd, path)
	}
	return d.root.follow(path, unix.O_DIRECTORY)
}

// follow opens path beneath r, following links that stay beneath it.
func (r *root) follow(path string, flags int) (int, error) {
	f, err := r.files.OpenFile(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOCTTY|flags, 0)
	if err != nil {
		return -1, outside(err)
	}
	return dirfd.Dup(f)
}

// outside recognizes the error of an os.Root for a path that leaves it, which
// has no name.
func outside(err error) error {
	var path *os.PathError
	if errors.As(err, &path) && strings.Contains(path.Err.Error(), "escapes") {
		return ErrOutside
	}
	return err
}

// An Entry is a file or directory in a Dir.
type Entry struct {
	Name string
	Dir  bool
	Link bool  // Name is a link to it
	Err  error // why it cannot be read: ErrSpecial, ErrOutside, ErrLoop, or a link that leads nowhere
}

// List returns what is in d, sorted by name, and the directory that it is in: d,
// or the present version if d is a volume of kubelet.
func (d *Dir) List(buf []byte) (from *Dir, entries []Entry, err error) {
	fd, err := d.Open()
	if err != nil {
		return nil, nil, err
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := dirfd.Fstat(fd, &st); err != nil {
		return nil, nil, err
	}
	d.id = ID{st.Dev, st.Ino}
	volume := false
	err = dirfd.List(fd, buf, func(name []byte, kind byte) error {
		if strings.HasPrefix(string(name), "..") {
			volume = volume || string(name) == dataLink && kind != dirfd.Dir
			return nil
		}
		e, err := d.entry(fd, string(name), kind)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, nil, d.root.explain(err)
	}
	if volume && !d.Live() {
		inner, err := d.version()
		if err != nil {
			return nil, nil, err
		}
		return inner.List(buf)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return d, entries, nil
}

// version opens the present version of the volume d, which lies in a source.
func (d *Dir) version() (*Dir, error) {
	r, err := openLive(d.root.files, d.path()+"/"+dataLink, d.Origin())
	if err != nil {
		return nil, outside(err)
	}
	d.set.add(r)
	return &Dir{set: d.set, root: r}, nil
}

func (d *Dir) entry(fd int, name string, kind byte) (Entry, error) {
	var st unix.Stat_t
	if kind == dirfd.Unknown {
		if err := dirfd.Stat(fd, name, &st); err != nil {
			return Entry{}, err
		}
		kind = dirfd.KindOf(st.Mode)
	}
	e := Entry{Name: name, Link: kind == dirfd.Link}
	if e.Link {
		if kind, e.Err = d.target(name); errors.Is(e.Err, ErrChanged) {
			return e, e.Err
		}
	}
	e.Dir = kind == dirfd.Dir
	if e.Err == nil && !e.Dir && kind != dirfd.Regular {
		e.Err = ErrSpecial
	}
	return e, nil
}

// target returns what the link name leads to.
func (d *Dir) target(name string) (kind byte, err error) {
	info, err := d.root.files.Stat(d.path() + "/" + name)
	if err != nil {
		return 0, outside(d.root.explain(err))
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, ErrSpecial
	}
	if info.IsDir() {
		id := ID{st.Dev, st.Ino}
		for up := d; up != nil; up = up.parent {
			if up.id == id {
				return 0, ErrLoop
			}
		}
	}
	return dirfd.KindOf(st.Mode), nil
}

// OpenFile opens the regular file name in d, which is open as fd.
func (d *Dir) OpenFile(fd int, name string, st *unix.Stat_t) (int, error) {
	if d.root.file != "" {
		name = d.root.file
	}
	file, err := dirfd.Open(fd, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err == unix.ELOOP {
		file, err = d.root.follow(d.path()+"/"+name, 0)
	}
	switch {
	case err == unix.ENXIO || err == unix.ENODEV:
		return -1, ErrSpecial
	case dirfd.IsGone(err):
		return -1, fmt.Errorf("%w: %w", ErrChanged, err)
	case err != nil:
		return -1, err
	}
	if err := dirfd.Fstat(file, st); err != nil {
		unix.Close(file)
		return -1, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG {
		unix.Close(file)
		return -1, ErrSpecial
	}
	return file, nil
}

// Is reports whether d, which must have been listed, is the directory id.
func (d *Dir) Is(id ID) bool { return d.id == id }
