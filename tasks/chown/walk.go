package chown

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/pool"
)

// A walk goes through one tree with several workers.
//
// A job works on some of the names that a directory's listing has given, or reads
// more of that listing. The pool runs the newest job first, so that the tree is
// walked depth first, few directories are open at a time, and a listing goes on
// only when what it has given so far was taken, or all of its names would pile up.
// A directory is closed once all its jobs are done, and only then changed, for its
// old mode may be what lets us in.
type walk struct {
	changer
	creds  *credentials
	budget budget
	root   *dir
	pool   *pool.Pool[*worker]

	mu   sync.Mutex
	open []*dir // those that have a descriptor, the last opened at the end
}

// tree walks all that is below the root and does not change the root itself.
func (w *walk) tree(ctx context.Context) {
	w.open = []*dir{w.root}
	newWorker := func() *worker {
		return &worker{walk: w, lister: lister{buf: make([]byte, dirfd.ListBuffer)}, appetite: 1}
	}
	// No job returns an error: failures are in the report.
	_ = pool.Run(ctx, min(w.budget.workers, runtime.GOMAXPROCS(0)), newWorker,
		func(p *pool.Pool[*worker]) pool.Job[*worker] {
			w.pool = p
			return w.job(w.root, func(me *worker) { me.list(w.root) })
		})
}

// job returns work in d, for the pool.
func (w *walk) job(d *dir, work func(*worker)) pool.Job[*worker] {
	d.jobs.Add(1)
	return func(ctx context.Context, me *worker) error {
		me.ctx = ctx
		if me.use(d) {
			work(me)
		}
		me.done(d)
		me.count()
		return nil
	}
}

// use makes sure that d has a descriptor until done. ok is false if there is
// nothing to be done any more.
func (w *worker) use(d *dir) (ok bool) {
	w.mu.Lock()
	d.users++
	w.mu.Unlock()
	if w.ctx.Err() != nil {
		return false
	}
	news, err := w.reopen(d)
	if news && err != nil {
		w.fail(fmt.Errorf("%s: %w", d.path(""), err), w.root.fd, &w.st)
	}
	return err == nil
}

// done counts a job in d that has ended; the last one finishes and closes d.
func (w *worker) done(d *dir) {
	last := d.jobs.Add(-1) == 0
	if last && w.ctx.Err() == nil {
		w.finish(d)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	d.users--
	if last {
		w.closeDir(d)
	}
}

// finish changes a directory of which nothing is needed any more. The root is
// left to whoever started the walk.
func (w *worker) finish(d *dir) {
	if d.parent == nil || d.fd < 0 || !d.wanted {
		return
	}
	var st unix.Statx_t
	err := dirfd.Statx(d.fd, "", statMask, &st)
	if err == nil && w.settings.wants(&st) {
		err = w.change(w.ctx, d.fd, &st, d.path(""))
	}
	if err != nil {
		w.fail(err, d.fd, &st)
	}
}

// fail counts a failure at what fd and st describe. Those that come from the end
// of the walk itself, or of the entry, are none.
func (w *worker) fail(err error, fd int, st *unix.Statx_t) {
	if w.ctx.Err() != nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return
	}
	w.report.fail(err, func() string { return w.creds.advise(w.settings, err, fd, st) })
}
