package chown

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// A dir is a directory of which something is still to be done.
type dir struct {
	parent *dir
	name   string // in parent; the path as the user wrote it for the root
	size   int    // of its path
	wanted bool   // it must change itself
	ino    uint64
	mount  dirfd.Mount

	jobs  atomic.Int64 // that have not ended
	users int          // workers that hold fd; guarded by walk.mu

	mu   sync.Mutex // held while fd is opened again
	fd   int        // -1 while parked; stays while there are users
	next int64      // where the listing goes on
	lost bool       // it could not be opened again
}

// child returns the directory name in d.
func (d *dir) child(name string) *dir {
	return &dir{parent: d, name: name, size: len(name) + len("/") + d.size}
}

// path returns the path of name in d, of d itself if name is "".
func (d *dir) path(name string) string { return d.below(name, true) }

// rel returns it relative to the root of the walk.
func (d *dir) rel(name string) string { return d.below(name, false) }

func (d *dir) below(name string, withRoot bool) string {
	var space [256]byte // most paths need no more memory than their own
	buf := space[:]
	if size := d.size + len("/") + len(name); size > len(buf) {
		buf = make([]byte, size)
	}
	at := len(buf) - len(name)
	copy(buf[at:], name)
	for p := d; p != nil && (withRoot || p.parent != nil); p = p.parent {
		if at < len(buf) && !(p.parent == nil && p.name == "/") {
			at--
			buf[at] = '/'
		}
		at -= len(p.name)
		copy(buf[at:], p.name)
	}
	return string(buf[at:])
}

// opened notes that d has a descriptor, and parks others when there are too many.
// w.mu is held.
func (w *walk) opened(d *dir) {
	w.open = append(w.open, d)
	if len(w.open) > w.budget.dirs {
		w.park()
	}
}

// park closes directories that nobody uses now and that will be needed last:
// those that were opened first. It closes several, because looking for them takes
// time. w.mu is held.
func (w *walk) park() {
	enough := w.budget.dirs - w.budget.dirs/4
	for _, d := range slices.Clone(w.open) {
		if len(w.open) <= enough {
			return
		}
		if d.users == 0 && d.parent != nil {
			w.closeDir(d)
		}
	}
}

// closeDir closes d if it is open. The root is closed by who opened it. w.mu is held.
func (w *walk) closeDir(d *dir) {
	if d.fd < 0 {
		return
	}
	i := slices.Index(w.open, d)
	w.open = slices.Delete(w.open, i, i+1)
	if d.parent != nil {
		unix.Close(d.fd)
		d.fd = -1
	}
}

// errMoved is the failure of a directory that was not where it had been found.
var errMoved = errors.New("it was moved or removed while its entries were worked on; run again for the rest of them")

// reopen makes sure that d, which the caller uses, has a descriptor. A directory
// is opened from the root, beneath which the kernel holds the search, and must
// be the one that it was. news is false if a caller before has had the error.
func (w *walk) reopen(d *dir) (news bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.fd >= 0:
		return true, nil
	case d.lost:
		return false, errMoved
	}
	fd, err := dirfd.OpenDir(w.root.fd, d.rel(""))
	if err == nil {
		err = d.resume(fd)
	}
	if err != nil {
		d.lost = true
		if dirfd.IsGone(err) || dirfd.IsLink(err) || err == unix.ENOTDIR {
			err = errMoved
		}
		return true, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d.fd = fd
	w.opened(d)
	return true, nil
}

// resume checks that fd is d and goes to where its listing stopped.
func (d *dir) resume(fd int) error {
	var st unix.Statx_t
	err := dirfd.Statx(fd, "", statMask, &st)
	if err == nil && (st.Ino != d.ino || dirfd.MountOf(&st) != d.mount) {
		err = errMoved
	}
	if err == nil && d.next != 0 {
		_, err = unix.Seek(fd, d.next, unix.SEEK_SET)
	}
	if err != nil {
		unix.Close(fd)
	}
	return err
}

// A budget bounds the resources of a walk.
type budget struct {
	workers int
	dirs    int // open directories, apart from those in use
}

// mostDirs is enough for any tree that people make; deeper and broader ones are
// walked with directories that are closed and opened again.
const mostDirs = 512

// reserved are descriptors that belong to the rest of the process.
const reserved = 24

// newBudget makes the best of the limit on descriptors. A worker holds at most
// four: a directory, one in it, an entry, and one on the way to a directory that
// is opened again.
func newBudget(jobs int) budget {
	limit := unix.Rlimit{Cur: 1024}
	_ = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) // the default of the kernel will do
	free := int(min(limit.Cur, 1<<20)) - reserved
	workers := min(jobs, max(free/6, 1))
	return budget{workers: workers, dirs: max(min(free-4*workers, mostDirs), 1)}
}
