package chown

import "github.com/initbox/initbox/internal/files/dirfd"

// A lister is the space in which one worker reads listings.
type lister struct {
	buf   []byte
	names []byte // each ends with a NUL
	dirs  []bool // which of them are directories
}

// A page is what one system call gives of a listing.
type page struct {
	files, dirs []dirfd.Name
	next        int64 // where the listing goes on
	more        bool
}

// read reads the next page of the directory fd. The names of a page share
// one piece of memory, since there may be millions.
func (l *lister) read(fd int, keep func(name []byte) bool) (page, error) {
	l.names, l.dirs = l.names[:0], l.dirs[:0]
	dirs := 0
	next, more, err := dirfd.ListPage(fd, l.buf, func(name []byte, kind byte) error {
		if !keep(name) {
			return nil
		}
		l.names = append(append(l.names, name...), 0)
		l.dirs = append(l.dirs, kind == dirfd.Dir)
		if kind == dirfd.Dir {
			dirs++
		}
		return nil
	})
	if err != nil {
		return page{}, err
	}
	found := make([]dirfd.Name, len(l.dirs))
	p := page{files: found[dirs:dirs], dirs: found[:0:dirs], next: next, more: more}
	text := string(l.names)
	for _, isDir := range l.dirs {
		var name dirfd.Name
		name, text = dirfd.CutName(text)
		if isDir {
			p.dirs = append(p.dirs, name)
		} else {
			p.files = append(p.files, name)
		}
	}
	return p, nil
}
