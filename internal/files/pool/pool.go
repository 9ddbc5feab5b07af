// Package pool runs jobs that find further jobs, as the walk of a tree does, on
// a bounded number of workers. Whoever cannot know how many are of use begins with
// few and lets the pool grow.
package pool

import (
	"context"
	"errors"
	"sync"
)

// A Job does a part of the work with the state of the worker that runs it, such as
// its buffers, which no other job has at that time. It
// must return soon after ctx is done, and then too let go of what it holds.
type Job[S any] func(ctx context.Context, state S) error

// A Pool runs jobs. Jobs that were pushed last run first, so that a walk goes
// deep before it goes wide and holds little open.
type Pool[S any] struct {
	ctx    context.Context
	cancel context.CancelFunc
	states sync.Pool // of workers that have ended

	mu      sync.Mutex
	stack   []Job[S]
	workers int // running ones
	most    int
	err     error
	done    sync.WaitGroup
}

// Run runs first and all that it pushes, on at most workers goroutines, and
// returns when all have ended. The first error ends the context of the others
// and is returned; every job that was pushed still runs. Once ctx is done, the
// error is that of ctx, or one around it that a job returned.
func Run[S any](ctx context.Context, workers int, newState func() S, first func(*Pool[S]) Job[S]) error {
	p := &Pool[S]{states: sync.Pool{New: func() any { return newState() }}, most: max(workers, 1)}
	p.ctx, p.cancel = context.WithCancel(ctx)
	defer p.cancel()
	p.Push(first(p))
	p.done.Wait()
	if err := ctx.Err(); err != nil && !errors.Is(p.err, err) {
		return err
	}
	return p.err
}

// Push adds jobs. Only a job may call it, or first.
func (p *Pool[S]) Push(jobs ...Job[S]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stack = append(p.stack, jobs...)
	for range jobs {
		if p.workers == p.most {
			return
		}
		p.workers++
		p.done.Go(p.work)
	}
}

// Grow lets one more worker run, unless there are most already. Only a job may
// call it.
func (p *Pool[S]) Grow(most int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.most >= most {
		return
	}
	p.most++
	if len(p.stack) > 0 {
		p.workers++
		p.done.Go(p.work)
	}
}

// work runs jobs until none is left. A job that comes later finds a new worker.
func (p *Pool[S]) work() {
	state := p.states.Get().(S)
	defer p.states.Put(state)
	for {
		job, ok := p.pop()
		if !ok {
			return
		}
		if err := job(p.ctx, state); err != nil {
			p.fail(err)
		}
	}
}

// fail keeps the first error that says more than that the context is done.
func (p *Pool[S]) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil || p.err == p.ctx.Err() {
		p.err = err
	}
	p.cancel()
}

func (p *Pool[S]) pop() (Job[S], bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	last := len(p.stack) - 1
	if last < 0 {
		p.workers--
		return nil, false
	}
	job := p.stack[last]
	p.stack[last] = nil
	p.stack = p.stack[:last]
	return job, true
}
