package mount

import (
	"errors"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// An Entry is a file or directory in a Dir.
type Entry struct {
	Name string
	Dir  bool
	Link bool  // Name is a link to it
	Err  error // why it cannot be read: ErrSpecial, ErrOutside, ErrLoop or a dangling link
}

// List returns the entries of d, sorted by name, and the directory that
// contains them: d or, if d is a volume, its current version. buf is the buffer
// for [dirfd.List].
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
	switch {
	case err != nil:
		return nil, nil, d.root.explain(err)
	case d.root.replaced(): // a directory that is being removed may be listed in part
		return nil, nil, d.root.reader.versionRemoved(unix.ENOENT)
	case volume && !d.Live():
		inner, err := d.version()
		if err != nil {
			return nil, nil, err
		}
		return inner.List(buf)
	}
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Name, b.Name) })
	return d, entries, nil
}

// version opens the current version of d, a volume inside a tree.
func (d *Dir) version() (*Dir, error) {
	volume, err := d.root.files.OpenRoot(d.path())
	if err != nil {
		return nil, d.root.explain(err)
	}
	root, err := d.root.reader.openVersion(volume, d.Path(""))
	if err != nil {
		return nil, err
	}
	return &Dir{root: root}, nil
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

// target returns the kind of file that the link name leads to.
func (d *Dir) target(name string) (kind byte, err error) {
	info, err := d.root.files.Stat(d.path() + "/" + name)
	switch {
	case dirfd.IsGone(err) && !d.root.replaced():
		return 0, dangling(err)
	case err != nil:
		return 0, d.root.explain(err)
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
