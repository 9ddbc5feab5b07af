package migration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/initbox/initbox/internal/fault"
)

// heartbeat is how often a wait, or a file that takes long, is spoken of.
const heartbeat = 10 * time.Second

const nextLocked = "look at the log of that pod: if it works, raise --timeout; if it is gone or hangs, end its session in the database (pg_terminate_backend, KILL)"

var errLocked = errors.New("another run has the lock of the migrations")

// lock waits for the lock by asking for it again and again: a session that waits
// inside the database would hold up CREATE INDEX CONCURRENTLY of the one that
// has the lock forever.
func (r *run) lock(ctx context.Context) error {
	r.env.Doing("waiting for the lock of the migrations")
	if r.opts.LockTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.opts.LockTimeout)
		defer cancel()
	}
	start, spoke, holder := time.Now(), time.Time{}, ""
	for pauses := pace(50*time.Millisecond, 500*time.Millisecond); ; {
		held, err := r.drv.TryLock(ctx)
		if err == nil && !held && time.Since(spoke) >= heartbeat {
			spoke = time.Now()
			if holder, err = r.drv.Holder(ctx); err == nil {
				r.env.Log.Warn("waiting for the lock of the migrations", "holder", holder, "waited", time.Since(start).Round(time.Millisecond))
			}
		}
		switch {
		case held && err == nil:
			return nil
		case err != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded):
			return fmt.Errorf("cannot take the lock of the migrations: %w", err)
		case !pause(ctx, pauses.NextBackOff()):
			if holder != "" {
				holder = ": " + holder
			}
			return fault.WithNext(fmt.Errorf("%w%s (waited %s)", errLocked, holder, time.Since(start).Round(time.Millisecond)), nextLocked)
		}
	}
}

// pace returns pauses that grow from first to most.
func pace(first, most time.Duration) backoff.BackOff {
	return backoff.NewExponentialBackOff(backoff.WithInitialInterval(first), backoff.WithMaxInterval(most), backoff.WithMaxElapsedTime(0))
}

// pause waits, and reports whether ctx has not ended.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
