package chown

import "github.com/initbox/initbox/internal/dirfd"

// A page is the space in which one worker reads listings.
type page struct {
	buf   []byte
	names []byte
	marks []mark
}

// A mark is one name in a page.
type mark struct {
	end int // in names
	dir bool
}

// An excerpt is what one page has given.
type excerpt struct {
	files, dirs []string
	next        int64 // where the listing goes on
	more        bool
}

// read reads the next page of the directory fd. The names of an excerpt share
// one piece of memory, since there may be millions.
func (p *page) read(fd int, keep func(name []byte) bool) (excerpt, error) {
	if p.buf == nil {
		p.buf = make([]byte, dirfd.ListBuffer)
	}
	p.names, p.marks = p.names[:0], p.marks[:0]
	dirs := 0
	next, more, err := dirfd.ListPage(fd, p.buf, func(name []byte, kind byte) {
		if !keep(name) {
			return
		}
		p.names = append(p.names, name...)
		p.marks = append(p.marks, mark{len(p.names), kind == dirfd.Dir})
		if kind == dirfd.Dir {
			dirs++
		}
	})
	if err != nil {
		return excerpt{}, err
	}
	found := make([]string, len(p.marks))
	x := excerpt{files: found[dirs:dirs], dirs: found[:0:dirs], next: next, more: more}
	text, start := string(p.names), 0
	for _, m := range p.marks {
		name := text[start:m.end]
		start = m.end
		if m.dir {
			x.dirs = append(x.dirs, name)
		} else {
			x.files = append(x.files, name)
		}
	}
	return x, nil
}
