package copyconfig

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/pool"
)

// A placer walks over the destination and brings what shall be there to its place.
type placer struct {
	*run
	target  *target
	compare bool // only find out the fate of each file, change nothing
	hash    bool // note the digests of new contents, or hold them against those noted
	staging bool // the target is new and nobody sees it yet
	do      func(ctx context.Context, verb, target string, change func() error) error

	pool    *pool.Pool[*scratch]
	batch   int          // how many files are written before the first of them gets its name
	changes atomic.Int64 // that a comparison has found
}

// maxBatch is the most files that are written before the first of them gets its
// name: the disk takes them together.
const maxBatch = 64

// descriptorLimit is how many files the process may have open.
func descriptorLimit() uint64 {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0
	}
	return limit.Cur
}

// walk brings what top shall hold to the target.
func (p *placer) walk(ctx context.Context, top *node) error {
	top.missing = p.target.fd < 0
	// Each worker has a batch of files open at the same time.
	p.batch = int(min(max(1, descriptorLimit()/2/uint64(p.Jobs)), maxBatch))
	return pool.Run(ctx, p.Jobs, newScratch, func(pl *pool.Pool[*scratch]) pool.Job[*scratch] {
		p.pool = pl
		return p.dirJob(top)
	})
}

// A place is an open directory of the destination.
type place struct {
	p     *placer
	node  *node
	fd    int // -1 if it is missing
	sync  bool
	dirty atomic.Bool  // entries of it have changed
	left  atomic.Int64 // jobs that work on it
}

func (p *placer) path(n *node) string { return shown(join(p.target.path, n.rel())) }

// under returns the path of name in n, for messages.
func (p *placer) under(n *node, name string) string {
	return shown(join(p.target.path, n.under(name)))
}

// dirJob opens the directory n and pushes jobs for what shall be in it.
func (p *placer) dirJob(n *node) pool.Job[*scratch] {
	return func(ctx context.Context, w *scratch) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		pl := &place{p: p, node: n, fd: -1}
		if !n.missing {
			if err := pl.open(ctx, w); err != nil {
				pl.close()
				return err
			}
		}
		jobs := pl.jobs()
		if len(jobs) == 0 {
			return pl.finish(ctx)
		}
		pl.left.Store(int64(len(jobs)))
		p.pool.Push(jobs...)
		return nil
	}
}

// open opens the directory, locks it, looks at what is there, and puts its own
// attributes right.
func (pl *place) open(ctx context.Context, w *scratch) error {
	p, n := pl.p, pl.node
	var err error
	if pl.fd, err = dirfd.OpenDir(p.target.fd, n.rel()); err != nil {
		return explain(fmt.Errorf("open %s: %w", p.path(n), err))
	}
	lockless := p.target.lockless
	if n.parent != nil && !p.readOnly() && !p.staging {
		if lockless, err = p.lock(ctx, pl.fd, func() string { return join(p.target.path, n.rel()) }); err != nil {
			return err
		}
	}
	if !p.readOnly() {
		pl.sync = p.wantsSync(pl.fd)
	}
	if n.fresh {
		return nil
	}
	temps, err := pl.markPresent(w)
	if err != nil {
		return explain(fmt.Errorf("list %s: %w", p.path(n), err))
	}
	if !p.readOnly() {
		if err := p.removeTemps(ctx, pl.fd, func() string { return p.path(n) }, temps, lockless); err != nil {
			return err
		}
	}
	return pl.giveAttributes(ctx)
}

// readOnly reports whether nothing is changed, not even what a killed run left.
func (p *placer) readOnly() bool { return p.compare || p.env.DryRun }

// markPresent marks what is there of what shall be there.
func (pl *place) markPresent(w *scratch) (temps []string, err error) {
	err = dirfd.List(pl.fd, w.list, func(name []byte, kind byte) error {
		if len(pl.p.cleared) > 0 && pl.p.cleared[pl.node.under(string(name))] && pl.p.env.DryRun {
			return nil
		}
		if f := pl.node.findFile(string(name)); f != nil {
			f.exists, f.plain = true, kind == dirfd.Regular
		} else if d := pl.node.findDir(string(name)); d != nil {
			if kind != dirfd.Dir && kind != dirfd.Unknown {
				return fmt.Errorf("%s: %w", pl.p.under(pl.node, d.name), errNotDir)
			}
			d.exists = true
		} else if atomicfile.IsTemp(string(name)) {
			temps = append(temps, string(name))
		} else if pl.p.compare && pl.p.AtomicDir { // no source has it
			pl.p.counts.add(removed)
			pl.p.changes.Add(1)
		}
		return nil
	})
	return temps, err
}

// errNotDir is for what is in the place of a directory.
var errNotDir = errors.New("a file or a link is where a directory must be, and links in the destination are not followed")

// giveAttributes gives a directory that was there its owner and mode, if the user named
// them. The destination itself belongs to whoever made the volume.
func (pl *place) giveAttributes(ctx context.Context) error {
	p, n := pl.p, pl.node
	if n.parent == nil && !p.AtomicDir || p.Owner == "" && p.DirMode == "" {
		return nil
	}
	var st unix.Stat_t
	if err := dirfd.Fstat(pl.fd, &st); err != nil {
		return err
	}
	mode := p.conf.dirMode.Apply(st.Mode, true)
	if mode == st.Mode&0o7777 && p.owner.Matches(st.Uid, st.Gid) {
		return nil
	}
	if p.compare {
		p.changes.Add(1)
		return nil
	}
	err := p.do(ctx, "update", p.path(n)+"/", func() error {
		return p.attributes(mode).Apply(pl.fd, st.Mode&0o7777)
	})
	return explain(err)
}

// jobs returns the work in the directory, in parts.
func (pl *place) jobs() []pool.Job[*scratch] {
	var jobs []pool.Job[*scratch]
	n := pl.node
	var missing []*node // that are missing
	for _, d := range n.dirs {
		if d.missing = n.missing; !d.exists && !d.fresh {
			missing = append(missing, d)
		}
	}
	for part := range slices.Chunk(missing, maxBatch) {
		jobs = append(jobs, pl.job(func(ctx context.Context, _ *scratch) error { return pl.mkdirs(ctx, part) }))
	}
	for part := range slices.Chunk(n.files, pl.p.batch) {
		jobs = append(jobs, pl.job(func(ctx context.Context, w *scratch) error { return pl.files(ctx, w, part) }))
	}
	return jobs
}

// job returns work as a part of what is to be done in the directory; the last
// one finishes it.
func (pl *place) job(work pool.Job[*scratch]) pool.Job[*scratch] {
	return func(ctx context.Context, w *scratch) error {
		err := ctx.Err()
		if err == nil {
			err = work(ctx, w)
		}
		if pl.left.Add(-1) == 0 {
			err = errors.Join(err, pl.finish(ctx))
		}
		return err
	}
}

// finish writes the directory to the disk and goes on to those in it.
func (pl *place) finish(ctx context.Context) error {
	defer pl.close()
	if pl.dirty.Load() && pl.sync {
		if err := dirfd.Sync(pl.fd); err != nil {
			return explain(fmt.Errorf("write %s to the disk: %w", pl.p.path(pl.node), err))
		}
	}
	if err := ctx.Err(); err != nil {
		return nil // whoever ended it has said so
	}
	jobs := make([]pool.Job[*scratch], len(pl.node.dirs))
	for i, d := range pl.node.dirs {
		jobs[i] = pl.p.dirJob(d)
	}
	pl.p.pool.Push(jobs...)
	return nil
}

func (pl *place) close() {
	if pl.fd >= 0 {
		unix.Close(pl.fd)
		pl.fd = -1
	}
}

// mkdirs makes directories that are missing.
func (pl *place) mkdirs(ctx context.Context, dirs []*node) error {
	p := pl.p
	for _, d := range dirs {
		if p.compare {
			d.missing = true
			p.changes.Add(1)
			continue
		}
		d.missing = p.env.DryRun
		err := p.do(ctx, "create", p.path(d)+"/", func() error {
			return atomicfile.Mkdir(pl.fd, d.name, p.newDir(), pl.sync)
		})
		if err != nil {
			return explain(err)
		}
		pl.dirty.Store(true)
		d.fresh = !d.missing
	}
	return nil
}
