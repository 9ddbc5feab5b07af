package chown

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/glob"
)

// A worker is one goroutine of a walk with what it needs again and again.
type worker struct {
	*walk
	ctx    context.Context // that of the job at hand
	st     unix.Statx_t    // of the entry at hand
	lister lister
	pins   bool // the last entry had to be pinned, so the next one probably has to

	seen    int64 // entries that the report does not count yet
	changed int64 // the same of those that were changed

	busy     bool // with files
	appetite int  // how many of them it takes at a time
	waited   bool // for the file system, the last time
}

// list reads one page of d and leaves the rest of the listing, and the directories
// that it has found, as jobs. It begins with the files, which need no descriptors.
func (w *worker) list(d *dir) {
	w.env.Doing("walking " + d.path(""))
	found, err := w.lister.read(d.fd, func(name []byte) bool {
		return len(w.settings.exclude) == 0 || !glob.Any(w.settings.exclude, d.rel(string(name)))
	})
	if err != nil {
		if !dirfd.IsGone(err) {
			w.fail(fmt.Errorf("%s: %w", d.path(""), &opError{opRead, err}), d.fd, &w.st)
		}
		return
	}
	if found.more {
		d.next = found.next
		w.pool.Push(w.job(d, func(me *worker) { me.list(d) }))
	}
	if len(found.dirs) > 0 {
		w.pool.Push(w.job(d, func(me *worker) { me.dirs(d, found.dirs) }))
	}
	if len(found.files) == 0 {
		return
	}
	if w.busy { // where listings do not tell kinds, d was taken for a file
		w.pool.Push(w.job(d, func(me *worker) { me.files(d, found.files) }))
		return
	}
	w.files(d, found.files)
}

// dirs does the first of the directories names in d and leaves the others as a job:
// to open more than one at a time would only cost descriptors.
func (w *worker) dirs(d *dir, names []dirfd.Name) {
	if len(names) > 1 {
		w.pool.Push(w.job(d, func(me *worker) { me.dirs(d, names[1:]) }))
	}
	w.visit(d, names[0], true)
}

// files does some of the files names in d and leaves the others as a job, so that
// one huge directory keeps all workers busy.
func (w *worker) files(d *dir, names []dirfd.Name) {
	n := min(len(names), w.appetite)
	if n < len(names) {
		w.pool.Push(w.job(d, func(me *worker) { me.files(d, names[n:]) }))
	}
	begin := time.Now()
	w.busy = true
	for _, name := range names[:n] {
		w.visit(d, name, false)
	}
	w.busy = false
	w.pace(time.Since(begin), n)
}

const (
	// mostFiles bounds how many files a worker takes at a time.
	mostFiles = 128
	// slow is what an entry takes at least where the file system is far away.
	slow = 100 * time.Microsecond
)

// pace learns from the time that entries took. Only where the file system lets it
// wait, time and again, it calls for more workers: on a local disk as many as
// there are processors get most done, and more would stand in their way.
func (w *worker) pace(took time.Duration, entries int) {
	switch {
	case took < slow*time.Duration(entries):
		w.waited = false
		w.appetite = min(2*w.appetite, mostFiles)
	case !w.waited: // or the processor was just taken away from us
		w.waited = true
		w.appetite = 1
	default:
		w.pool.Grow(w.budget.workers)
	}
}

// count brings the report up to date. Workers that count each entry there spend
// more time on whose cache has the numbers than on the numbers.
func (w *worker) count() {
	w.report.seen.Add(w.seen)
	w.report.changed.Add(w.changed)
	w.seen, w.changed = 0, 0
}

// tries bounds how often an entry may turn from a directory into something else
// and back while we look.
const tries = 4

// visit does what is to be done for one entry, and notes its failure.
func (w *worker) visit(d *dir, name dirfd.Name, looksLikeDir bool) {
	if w.ctx.Err() != nil {
		return
	}
	if err := w.entry(d, name, looksLikeDir); err != nil {
		w.fail(err, d.fd, &w.st)
	}
}

// entry is visit, and returns the failure.
func (w *worker) entry(d *dir, name dirfd.Name, looksLikeDir bool) error {
	for range tries {
		var again bool
		var err error
		if looksLikeDir {
			again, err = w.subdir(d, name.String())
		} else {
			again, err = w.nonDir(d, name)
		}
		switch {
		case dirfd.IsGone(err):
			w.report.vanished.Add(1)
			return nil
		case !again:
			w.seen++
			return err
		}
		looksLikeDir = !looksLikeDir
	}
	return fmt.Errorf("%s: it turns from a directory into something else and back all the time", d.path(name.String()))
}

// nonDir looks at an entry that is no directory, as far as we know, and changes
// it. again says that it is one.
func (w *worker) nonDir(d *dir, name dirfd.Name) (again bool, err error) {
	if w.pins { // or a look at the name would come on top of the one at what is held
		return w.pinned(d, name)
	}
	if err := name.Statx(d.fd, statMask, &w.st); err != nil {
		return false, fmt.Errorf("look at %s: %w", d.path(name.String()), err)
	}
	if wanted, again := w.consider(); !wanted {
		return again, nil
	}
	if w.settings.needsPin(&w.st) {
		return w.pinned(d, name)
	}
	w.pins = w.waited
	err = w.env.Do(w.ctx, "chown", d.path(name.String()), func() error {
		return name.Chown(d.fd, w.settings.owner.UID, w.settings.owner.GID)
	})
	if err == nil {
		w.changed++
	}
	return false, err
}

// pinned is nonDir for an entry of which more counts than its name.
func (w *worker) pinned(d *dir, name dirfd.Name) (again bool, err error) {
	pin, err := dirfd.Open(d.fd, name.String(), unix.O_PATH|unix.O_NOFOLLOW, 0)
	if err != nil {
		return false, fmt.Errorf("open %s: %w", d.path(name.String()), err)
	}
	defer unix.Close(pin)
	if err := dirfd.Statx(pin, "", statMask, &w.st); err != nil {
		return false, fmt.Errorf("look at %s: %w", d.path(name.String()), err)
	}
	wanted, again := w.consider()
	// Far away a name is looked up again for each call, and what is held is not.
	w.pins = wanted && (w.waited || w.settings.needsPin(&w.st))
	if !wanted {
		return again, nil
	}
	return false, w.change(w.ctx, pin, &w.st, d.path(name.String()))
}

// consider reports whether the entry at hand is to be changed as no directory.
// again says that it is one.
func (w *worker) consider() (wanted, again bool) {
	if isDir(&w.st) {
		return false, true
	}
	return !w.foreign() && w.settings.wants(&w.st), false
}

// foreign reports whether the entry at hand is a mount point that is not to be
// crossed, and counts it.
func (w *worker) foreign() bool {
	if w.settings.cross || dirfd.MountOf(&w.st) == w.root.mount {
		return false
	}
	w.report.mounts.Add(1)
	return true
}

// subdir opens a directory and does what the first page of its listing gives. again
// says that the entry is none.
func (w *worker) subdir(d *dir, name string) (again bool, err error) {
	begin := time.Now()
	child, again, err := w.openSubdir(d, name)
	w.pace(time.Since(begin), 1)
	if child != nil {
		child.jobs.Store(1) // this one
		child.users = 1
		w.mu.Lock()
		w.opened(child)
		w.mu.Unlock()
		w.list(child)
		w.done(child)
	}
	return again, err
}

// openSubdir returns nil if the directory is not to be walked.
func (w *worker) openSubdir(d *dir, name string) (child *dir, again bool, err error) {
	fd, err := dirfd.OpenDir(d.fd, name)
	if err == unix.EACCES && !w.settings.dir.IsZero() {
		fd, err = w.unlock(d, name)
	}
	switch {
	case err == unix.ENOTDIR || err == unix.ELOOP:
		return nil, true, nil
	case err != nil:
		return nil, false, fmt.Errorf("%s: %w", d.path(name), &opError{opRead, err})
	}
	if err := dirfd.Statx(fd, "", statMask, &w.st); err != nil {
		unix.Close(fd)
		return nil, false, fmt.Errorf("look at %s: %w", d.path(name), err)
	}
	if w.foreign() {
		unix.Close(fd)
		return nil, false, nil
	}
	child = d.child(name)
	child.fd, child.ino, child.mount, child.wanted = fd, w.st.Ino, dirfd.MountOf(&w.st), w.settings.wants(&w.st)
	return child, false, nil
}

// unlock opens a directory that its owner may only read once it has its new mode.
func (w *worker) unlock(d *dir, name string) (int, error) {
	pin, err := dirfd.Open(d.fd, name, unix.O_PATH|unix.O_NOFOLLOW|unix.O_DIRECTORY, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pin)
	if err := dirfd.Statx(pin, "", statMask, &w.st); err != nil {
		return -1, err
	}
	if !w.settings.cross && dirfd.MountOf(&w.st) != w.root.mount || !w.settings.wants(&w.st) {
		return -1, unix.EACCES
	}
	if err := w.change(w.ctx, pin, &w.st, d.path(name)); err != nil {
		return -1, err
	}
	return dirfd.OpenDir(pin, "")
}
