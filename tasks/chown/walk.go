package chown

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// A walk goes through one tree with several workers.
//
// Work lies on a stack of units: the names of entries that a directory's listing
// has given, or the rest of that listing. Workers take from the top, so that the
// tree is walked depth first and few directories are open at a time, and several
// of them may take from the same unit, so that one huge directory keeps all of
// them busy. A directory is closed once all its entries were taken, and only
// then changed, for its old mode may be what lets us in.
type walk struct {
	changer
	creds  *credentials
	budget budget
	root   *dir

	stopped atomic.Bool // the rest of the work is only cleared away

	mu      sync.Mutex
	more    sync.Cond // there are units, or no work at all any more
	stack   []*unit
	live    int // directories that are not finished
	open    int // those that have a descriptor
	waiting int // workers that wait for more
	hired   int // workers
	workers sync.WaitGroup
}

// A unit is work in one directory.
type unit struct {
	dir   *dir
	dirs  bool         // the names are those of directories
	names []dirfd.Name // not yet taken; nil for the rest of a listing
	left  int          // not yet done
}

// A claim is what one worker has taken of a unit.
type claim struct {
	unit  *unit
	names []dirfd.Name // nil for the rest of a listing
}

// tree walks all that is below the root and does not change the root itself.
func (w *walk) tree(ctx context.Context) {
	w.more.L = &w.mu
	defer context.AfterFunc(ctx, func() { w.stopped.Store(true) })()
	first := w.enter(w.root)
	w.hire(ctx, func(me *worker) {
		me.do(first)
		w.done(ctx, first)
	})
	for range min(w.budget.workers, runtime.GOMAXPROCS(0)) - 1 {
		w.hire(ctx, nil)
	}
	w.workers.Wait()
}

// hire starts one more worker, unless there are enough.
func (w *walk) hire(ctx context.Context, begin func(*worker)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hired == w.budget.workers {
		return
	}
	w.hired++
	w.workers.Go(func() {
		me := &worker{walk: w, ctx: ctx, appetite: 1}
		if begin != nil {
			begin(me)
			me.count()
		}
		me.loop()
	})
}

// enter counts a directory that was opened, and claims its listing.
func (w *walk) enter(d *dir) claim {
	d.units, d.users = 1, 1
	w.mu.Lock()
	defer w.mu.Unlock()
	w.live++
	w.opened()
	return claim{unit: &unit{dir: d, left: 1}}
}

// push adds work in a directory that is in use.
func (w *walk) push(u *unit) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u.dir.units++
	w.stack = append(w.stack, u)
	switch {
	case w.waiting == 0:
	case len(u.names) <= 1:
		w.more.Signal()
	default:
		w.more.Broadcast()
	}
}

// take returns work, or false when there is none any more: at most as many
// entries as most. last is where the caller was at work before.
func (w *walk) take(last *dir, most int) (claim, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.stack) == 0 {
		if w.live == 0 {
			return claim{}, false
		}
		w.waiting++
		w.more.Wait()
		w.waiting--
	}
	at := w.choose(last)
	u := w.stack[at]
	n := len(u.names)
	switch {
	case u.dirs:
		n = 1 // opening more than one at a time would only cost descriptors
	case n > 1:
		n = min(max(n/(w.waiting+1), 1), most)
	}
	c := claim{u, u.names[:n]}
	u.names = u.names[n:]
	if len(u.names) == 0 {
		w.stack = slices.Delete(w.stack, at, at+1)
	}
	u.dir.users++
	return c, true
}

// choose returns the place of the unit to take from: what is left where the
// worker was; or else a directory to open; or else what others are at. Two
// workers in one directory wait for each other in the file system, for entries
// that were made together share blocks. The rest of a listing waits until the
// directories that it has given so far were taken, or all of their names would
// pile up.
func (w *walk) choose(last *dir) int {
	top := len(w.stack) - 1
	other := -1
	dirsLeft := false
	for i := top; i >= 0 && i > top-2*w.hired; i-- {
		switch u := w.stack[i]; {
		case u.dirs:
			dirsLeft = dirsLeft || u.dir == last
			other = max(other, i)
		case u.dir == last && (u.names != nil || !dirsLeft):
			return i
		}
	}
	if other >= 0 {
		return other
	}
	return top
}

// done gives back what take gave.
func (w *walk) done(ctx context.Context, c claim) {
	d := c.unit.dir
	w.mu.Lock()
	d.users--
	c.unit.left -= max(len(c.names), 1)
	if c.unit.left == 0 {
		d.units--
	}
	finished := d.units == 0
	w.mu.Unlock()
	if !finished {
		return
	}
	if !w.stopped.Load() {
		w.finish(ctx, d)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closeDir(d)
	w.live--
	if w.live == 0 {
		w.more.Broadcast()
	}
}

// finish changes a directory of which nothing is needed any more. The root is
// left to whoever started the walk.
func (w *walk) finish(ctx context.Context, d *dir) {
	if d.parent == nil || d.fd < 0 || !d.wanted {
		return
	}
	var st unix.Statx_t
	err := dirfd.Statx(d.fd, "", statMask, &st)
	if err == nil && w.plan.wants(&st) {
		err = w.change(ctx, d.fd, &st, d.path(""))
	}
	if err != nil {
		w.fail(err, d.fd, &st)
	}
}

// fail counts a failure at what fd and st describe. Those that come from the end
// of the walk itself, or of the entry, are none.
func (w *walk) fail(err error, fd int, st *unix.Statx_t) {
	if w.stopped.Load() || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	w.report.fail(err, func() string { return w.creds.advise(w.plan, err, fd, st) })
}
