package tasks

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/internal/wait/retry"
)

// heartbeat is how often a wait without progress is logged.
const heartbeat = 10 * time.Second

// A Poll describes one wait.
type Poll struct {
	Target         string        // the target, as the user wrote it, without secrets
	AttemptTimeout time.Duration // limit of one attempt; 0 for no limit but the deadline
	FastInterval   time.Duration // time between attempts during the first half minute; 0 for 40 ms
	MaxInterval    time.Duration // longest time between attempts; 0 for 5 s
	Overlap        int           // attempts in flight at once, so that one that hangs does not delay the others; 0 for one
	Successes      int           // successes in a row that end the wait; 0 for one
}

// DefaultMaxInterval is the longest time between two attempts unless a Poll says otherwise.
const DefaultMaxInterval = 5 * time.Second

// Poll calls probe until it has succeeded, has failed permanently
// ([Permanent]), or ctx is done: often during the first half minute, then more
// and more slowly. If ctx ends the wait, the error wraps the last error of
// probe.
//
// Poll logs a failure when it differs from the one before, and otherwise every
// 10 s.
//
// A dry-run probes once and logs the result. It returns an error only if the
// failure is permanent or ctx is done.
func (e *Env) Poll(ctx context.Context, p Poll, probe func(context.Context) error) error {
	if e.DryRun {
		return e.probeOnce(ctx, p, probe)
	}
	if p.MaxInterval <= 0 {
		p.MaxInterval = DefaultMaxInterval
	}
	policy := retry.Policy{
		Pace:           retry.Ramp(cmp.Or(p.FastInterval, retry.FastInterval), p.MaxInterval),
		AttemptTimeout: p.AttemptTimeout,
		Overlap:        p.Overlap,
		Successes:      p.Successes,
	}
	w := &watch{env: e, ctx: ctx, poll: p, start: time.Now()}
	err := retry.Do(ctx, policy, probe, w.observe)
	switch {
	case err == nil:
		e.Log.Info("ready", "target", p.Target, "after", since(w.start), "attempts", w.attempts)
		return nil
	case Permanent(err):
		return err
	case w.last != nil:
		return &Error{Err: fmt.Errorf("%w (%s)", w.last, attempts(w.attempts)), Next: NextOf(w.last)}
	default:
		return WithNext(fmt.Errorf("the first attempt had no answer yet: %w", err),
			"raise --timeout, if it is shorter than an attempt may take; else the target hangs: look at its log")
	}
}

func (e *Env) probeOnce(ctx context.Context, p Poll, probe func(context.Context) error) error {
	attempt := ctx
	if p.AttemptTimeout > 0 {
		var cancel context.CancelFunc
		attempt, cancel = context.WithTimeout(ctx, p.AttemptTimeout)
		defer cancel()
	}
	switch err := probe(attempt); {
	case err == nil:
		e.Log.Info("ready now, would not wait", "target", p.Target)
	case Permanent(err):
		return err
	default:
		e.Log.Info("not ready now, would wait", "target", p.Target, "cause", err)
	}
	return ctx.Err()
}

// A watch sees every attempt of one Poll and logs those worth reading.
type watch struct {
	env      *Env
	ctx      context.Context
	poll     Poll
	start    time.Time
	attempts int
	last     error
	loggedAt time.Time
	seen     map[string]time.Time // failure texts and when each was last logged
}

func (w *watch) observe(r retry.Result) bool {
	w.attempts++
	if r.Err == nil {
		w.env.Log.Debug("attempt succeeded", "target", w.poll.Target, "attempt", r.Attempt, "in a row", r.Streak)
		return true
	}
	if Permanent(r.Err) {
		return false
	}
	w.last = r.Err
	// Two alternating causes are two pieces of news, not one per attempt.
	now, cause := time.Now(), fault.CauseOf(r.Err)
	news := now.Sub(w.seen[cause]) >= heartbeat && len(w.seen) < maxCauses
	if !news && now.Sub(w.loggedAt) < heartbeat {
		return true
	}
	if w.seen == nil {
		w.seen = make(map[string]time.Time)
	}
	w.seen[cause], w.loggedAt = now, now
	attrs := []any{"target", w.poll.Target, "cause", r.Err, "attempts", w.attempts, "waited", since(w.start)}
	if deadline, ok := w.ctx.Deadline(); ok {
		attrs = append(attrs, "left", left(deadline))
	}
	w.env.Log.Warn("waiting", attrs...)
	return true
}

// maxCauses limits what a watch remembers. Beyond it, only the heartbeat is
// logged.
const maxCauses = 32

func attempts(n int) string {
	return "after " + text.Count(n, "attempt", "attempts")
}

func left(deadline time.Time) time.Duration {
	d := time.Until(deadline)
	if d < 10*time.Second {
		return d.Round(10 * time.Millisecond)
	}
	return d.Round(time.Second)
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }
