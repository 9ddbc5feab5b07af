package chown

import "github.com/initbox/initbox/internal/files/dirfd"

// A page is the space in which one worker reads listings.
type page struct {
	buf   []byte
	names []byte // each with a NUL behind it
	dirs  []bool // which of them are directories
}

// An excerpt is what one page has given.
type excerpt struct {
	files, dirs []dirfd.Name
	next        int64 // where the listing goes on
	more        bool
}

// read reads the next page of the directory fd. The names of an excerpt share
// one piece of memory, since there may be millions.
func (p *page) read(fd int, keep func(name []byte) bool) (excerpt, error) {
	p.names, p.dirs = p.names[:0], p.dirs[:0]
	dirs := 0
	next, more, err := dirfd.ListPage(fd, p.buf, func(name []byte, kind byte) error {
		if !keep(name) {
			return nil
		}
		p.names = append(append(p.names, name...), 0)
		p.dirs = append(p.dirs, kind == dirfd.Dir)
		if kind == dirfd.Dir {
			dirs++
		}
		return nil
	})
	if err != nil {
		return excerpt{}, err
	}
	found := make([]dirfd.Name, len(p.dirs))
	x := excerpt{files: found[dirs:dirs], dirs: found[:0:dirs], next: next, more: more}
	text := string(p.names)
	for _, isDir := range p.dirs {
		var name dirfd.Name
		name, text = dirfd.CutName(text)
		if isDir {
			x.dirs = append(x.dirs, name)
		} else {
			x.files = append(x.files, name)
		}
	}
	return x, nil
}
