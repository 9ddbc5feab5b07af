package copyconfig

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/tasks"
)

// Run implements [tasks.Task].
func (t *Task) Run(ctx context.Context, env *tasks.Env) error {
	conf, err := t.parse()
	if err != nil {
		return tasks.Usagef("%w", err)
	}
	owner, err := fileperm.System.Resolve(conf.owner)
	if err != nil {
		return tasks.Usagef("--owner: %w", err)
	}
	r := &run{Task: t, env: env, conf: conf, owner: owner}
	stop := r.progress(ctx)
	defer stop()
	return mount.OneVersion(ctx, func(sources *mount.Reader) error {
		r.sources = sources
		err := r.attempt(ctx)
		if errors.Is(err, mount.ErrChanged) {
			env.Log.Debug("start over", "cause", err)
		}
		return err
	})
}

// A run is one run of a Task.
type run struct {
	*Task
	env    *tasks.Env
	conf   *settings
	owner  fileperm.Owner
	counts counts

	sources *mount.Reader
	top     *node // what the destination shall have

	cleared map[string]bool // what --prune has removed to make place

	mu   sync.Mutex
	held []int // descriptors of files to be copied
}

// attempt copies one version of the sources.
func (r *run) attempt(ctx context.Context) error {
	defer r.releaseAll()
	r.counts.startOver(r.AtomicDir)

	r.env.Doing("reading the sources")
	operands, err := r.openSources()
	if err != nil {
		return err
	}
	dst, err := r.findTarget(operands)
	if err != nil {
		return err
	}
	if err := r.gather(ctx, operands, dst.name); err != nil {
		return err
	}
	if err := r.load(ctx); err != nil {
		return err
	}
	if err := r.refuseNesting(operands, dst); err != nil {
		return err
	}
	if err := r.openTarget(ctx, dst); err != nil {
		return err
	}
	defer dst.close()
	if r.AtomicDir {
		err = r.publish(ctx, dst)
	} else {
		err = r.copyFiles(ctx, dst)
	}
	if !errors.Is(err, mount.ErrChanged) {
		r.env.Summarize(r.counts.line())
	}
	return err
}

// copyFiles brings the files to their places, one by one.
func (r *run) copyFiles(ctx context.Context, dst *target) error {
	p := &placer{run: r, target: dst, do: r.env.Do}
	if !r.Prune {
		return p.walk(ctx, r.top)
	}
	m, err := r.openManifest(ctx, dst)
	if err != nil {
		return err
	}
	if err := m.makeRoom(ctx, r); err != nil {
		return err
	}
	comparison := &placer{run: r, target: dst, compare: true, hash: true}
	if err := comparison.walk(ctx, r.top); err != nil {
		return err
	}
	if err := m.writeAhead(ctx, r); err != nil {
		return err
	}
	p.hash = true
	if err := p.walk(ctx, r.top); err != nil {
		return err
	}
	return m.finish(ctx, r)
}

// progressEvery is how often a long run says how far it is.
const progressEvery = 10 * time.Second

// progress logs how far r is until the function that it returns is called.
func (r *run) progress(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(progressEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				r.env.Log.Info("progress", "so far", r.counts.line(), "at", r.env.Activity())
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// hold notes a descriptor that is closed when the attempt ends, unless there are
// too many: directories and new files are to be opened too.
func (r *run) hold(fd int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if uint64(len(r.held)) >= descriptorLimit()/4 {
		return false
	}
	r.held = append(r.held, fd)
	return true
}

func (r *run) releaseAll() {
	for _, fd := range r.held {
		unix.Close(fd)
	}
	r.held = nil
}
