// Package wait waits for several targets at the same time. The wait tasks share
// it.
package wait

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

// Options are the flags that all wait tasks share.
type Options struct {
	AttemptTimeout time.Duration // limit of one attempt
	FastInterval   time.Duration // time between attempts during the first half minute; 0 for that of [tasks.Poll]
	MaxInterval    time.Duration // longest time between attempts
	Successes      int           // successes in a row that make a target ready
	Any            bool          // one ready target is enough
}

// Defaults returns the default Options with the given limit of one attempt.
func Defaults(attempt time.Duration) Options {
	return Options{AttemptTimeout: attempt, MaxInterval: tasks.DefaultMaxInterval, Successes: 1}
}

// PaceFlags binds the options that concern a single target to fs.
func (o *Options) PaceFlags(fs *pflag.FlagSet) {
	flags.Duration(fs, &o.AttemptTimeout, "attempt-timeout", time.Millisecond, "limit of one attempt; attempts overlap, so one that hangs does not delay the others")
	flags.Duration(fs, &o.MaxInterval, "max-interval", time.Millisecond, "longest time between attempts, reached after about two minutes")
	flags.Int(fs, &o.Successes, "successes", 1, 1000, "successes in a row that make a target ready")
}

// Flags binds all options to fs.
func (o *Options) Flags(fs *pflag.FlagSet) {
	o.PaceFlags(fs)
	fs.BoolVar(&o.Any, "any", false, "end when one target is ready instead of all")
}

// Fit returns o with AttemptTimeout shortened to end before the deadline of
// ctx. An attempt that the deadline cuts off cannot report what it was waiting
// for.
func (o Options) Fit(ctx context.Context) Options {
	if deadline, ok := ctx.Deadline(); ok {
		left := (time.Until(deadline) * 9 / 10).Round(time.Millisecond)
		o.AttemptTimeout = max(min(o.AttemptTimeout, left), time.Millisecond)
	}
	return o
}

// A Target is one thing to wait for.
type Target struct {
	Name  string // as the user wrote it, without secrets
	Probe func(context.Context) error
}

// All waits until all targets are ready or, with o.Any, one of them. At most
// overlap attempts per target are under way at the same time.
//
// A permanent error of one target ends the whole wait. With o.Any, a final
// error ends only the wait for that target. Otherwise the error names every
// target that is not ready.
func (o Options) All(ctx context.Context, env *tasks.Env, overlap int, targets []Target) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w := &waiting{env: env}
	for _, t := range targets {
		w.pending = append(w.pending, t.Name)
	}
	w.noteActivity()
	errs := make([]error, len(targets))
	waitFor := func(i int) {
		errs[i] = env.Poll(ctx, tasks.Poll{
			Target: targets[i].Name, AttemptTimeout: o.AttemptTimeout, FastInterval: o.FastInterval, MaxInterval: o.MaxInterval,
			Overlap: overlap, Successes: o.Successes,
		}, targets[i].Probe)
		ready := errs[i] == nil && !env.DryRun // a dry-run probes every target
		if ready {
			w.ready(targets[i].Name)
		}
		if o.Any && ready || fault.Permanent(errs[i]) && !(o.Any && fault.KindOf(errs[i]) == fault.Final) {
			cancel()
		}
	}
	var group sync.WaitGroup
	for i := 1; i < len(targets); i++ {
		group.Go(func() { waitFor(i) })
	}
	waitFor(0)
	group.Wait()
	return o.outcome(targets, errs)
}

func (o Options) outcome(targets []Target, errs []error) error {
	if o.Any && slices.Contains(errs, nil) {
		return nil
	}
	var failed, final []error
	for i, err := range errs {
		if err == nil {
			continue
		}
		named := fmt.Errorf("%s: %w", targets[i].Name, err)
		switch {
		case !fault.Permanent(err):
			failed = append(failed, named)
		case o.Any && fault.KindOf(err) == fault.Final:
			final = append(final, named)
		default:
			return named // this error ended the other waits
		}
	}
	return errors.Join(append(failed, final...)...) // the first error determines the kind
}

// waiting keeps the task's activity up to date while targets become ready.
type waiting struct {
	env     *tasks.Env
	mu      sync.Mutex
	pending []string
}

func (w *waiting) ready(name string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.pending, name)
	w.pending = slices.Delete(w.pending, i, i+1)
	w.noteActivity()
}

func (w *waiting) noteActivity() {
	switch n := len(w.pending); n {
	case 0:
	case 1:
		w.env.Doing("waiting for " + w.pending[0])
	default:
		w.env.Doing(fmt.Sprintf("waiting for %s and %d more", w.pending[0], n-1))
	}
}
