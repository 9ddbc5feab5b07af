// Package retry repeats an attempt until it succeeds, at a pace that notices a
// change early without overloading the target.
package retry

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// The pace of [Ramp], unless the caller chooses a slower one. During FastFor,
// while many things start together, a change is noticed within FastInterval.
// Later the interval grows by 5 % per attempt, so a change is noticed late by
// at most about a twentieth of the time already waited.
const (
	FastInterval = 40 * time.Millisecond
	FastFor      = 30 * time.Second
	growth       = 1.05
	jitter       = 0.25
)

// Ramp returns the pace of a wait: fast, such as FastInterval, for the first
// FastFor, then growing up to max. Each interval varies at random by ±25 %, so
// that pods that start together do not all probe at the same moment.
func Ramp(fast, max time.Duration) backoff.BackOff {
	slow := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(min(fast, max)),
		backoff.WithMultiplier(growth),
		backoff.WithRandomizationFactor(jitter),
		backoff.WithMaxInterval(max),
		backoff.WithMaxElapsedTime(0))
	return &ramp{slow: slow, fastUntil: time.Now().Add(FastFor)}
}

type ramp struct {
	slow      *backoff.ExponentialBackOff
	fastUntil time.Time
}

func (r *ramp) NextBackOff() time.Duration {
	if time.Now().Before(r.fastUntil) {
		r.slow.Reset()
	}
	return r.slow.NextBackOff()
}

func (r *ramp) Reset() {
	r.slow.Reset()
	r.fastUntil = time.Now().Add(FastFor)
}

// A Policy says how to repeat an attempt.
type Policy struct {
	Pace           backoff.BackOff // time from the start of one attempt to the start of the next
	AttemptTimeout time.Duration   // limit of one attempt; 0 for no limit but ctx
	Overlap        int             // attempts in flight at once; 0 or 1 for one after the other
	Successes      int             // successes in a row that end the loop; 0 or 1 for the first
}

// A Result is the outcome of one attempt.
type Result struct {
	Attempt int // counted from 1
	Streak  int // successes in a row, including this one
	Err     error
}

// Do repeats attempt as p says and passes each outcome to observe, one at a
// time and in the order in which the attempts end. It returns nil after
// p.Successes successes in a row, the error for which observe returned false,
// or the error of ctx. It returns only after every attempt has ended, so
// attempts must heed their context.
func Do(ctx context.Context, p Policy, attempt func(context.Context) error, observe func(Result) bool) error {
	l := &loop{p: p, attempt: attempt, results: make(chan outcome), limit: max(p.Overlap, 1)}
	ctx, cancel := context.WithCancel(ctx)
	defer l.drain()
	defer cancel()

	next := time.NewTimer(0)
	defer next.Stop()
	for {
		var due <-chan time.Time
		if l.inFlight < l.limit {
			due = next.C
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-due:
			if ctx.Err() != nil {
				return ctx.Err()
			}
			l.start(ctx)
			next.Reset(l.gap())
		case o := <-l.results:
			l.inFlight--
			if o.panicked != nil {
				panic(o.panicked) // in the caller's goroutine, where it can recover
			}
			if err := ended(ctx); err != nil && o.err != nil {
				return err // the end of ctx made the attempt fail
			}
			if done, err := l.count(o, observe); done {
				return err
			}
			if o.attempt == l.attempts { // the newest attempt did not hang: return to the pace
				next.Reset(max(time.Until(l.started.Add(l.pace)), 0))
			}
		}
	}
}

// ended returns why ctx has ended, or nil. A system call notices the deadline a
// moment before the context's own timer does.
func ended(ctx context.Context) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return ctx.Err()
}

type loop struct {
	p        Policy
	attempt  func(context.Context) error
	results  chan outcome
	limit    int
	inFlight int
	attempts int
	streak   int
	streakAt int           // attempt that began the streak
	started  time.Time     // of the newest attempt
	pace     time.Duration // from the newest attempt to the next
}

type outcome struct {
	attempt  int
	err      error
	panicked any
}

func (l *loop) start(ctx context.Context) {
	l.attempts++
	l.inFlight++
	l.started = time.Now()
	l.pace = l.p.Pace.NextBackOff()
	n := l.attempts
	go func() {
		o := outcome{attempt: n}
		defer func() {
			o.panicked = recover()
			l.results <- o
		}()
		if l.p.AttemptTimeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, l.p.AttemptTimeout)
			defer cancel()
		}
		o.err = l.attempt(ctx)
	}()
}

// gap returns the time until the next attempt may start while the newest one is
// still under way. Attempts that all hang are spread evenly over
// AttemptTimeout; a single one that hangs delays nothing.
func (l *loop) gap() time.Duration {
	if l.inFlight < 2 {
		return l.pace
	}
	return max(l.pace, l.p.AttemptTimeout/time.Duration(l.limit))
}

// count counts one outcome and reports whether it ends the loop.
func (l *loop) count(o outcome, observe func(Result) bool) (done bool, err error) {
	if o.err == nil {
		if l.streak == 0 {
			l.streakAt = o.attempt
		}
		l.streak++
	} else if o.attempt >= l.streakAt {
		l.streak = 0 // a failure of an attempt older than the streak does not end it
	}
	goOn := observe(Result{Attempt: o.attempt, Streak: l.streak, Err: o.err})
	switch {
	case o.err != nil && !goOn:
		return true, o.err
	case o.err == nil && l.streak >= max(l.p.Successes, 1):
		return true, nil
	}
	return false, nil
}

func (l *loop) drain() {
	for ; l.inFlight > 0; l.inFlight-- {
		<-l.results
	}
}
