package migration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/wait/retry"
)

// The pace of asking for the lock, and of saying who has it.
const (
	lockFirst = 50 * time.Millisecond
	lockMost  = 500 * time.Millisecond
	heartbeat = 10 * time.Second
)

const nextLocked = "look at the log of that pod: if it works, raise --timeout; if it is gone or hangs, end its session in the database (pg_terminate_backend, KILL)"

var errLocked = errors.New("another run has the lock of the migrations")

// lock waits for the lock by asking for it again and again: a session that waits
// inside the database would hold up CREATE INDEX CONCURRENTLY of the one that
// has the lock, for ever.
func (r *run) lock(ctx context.Context) error {
	r.env.Doing("waiting for the lock of the migrations")
	waiting := ctx
	if r.opts.LockTimeout > 0 {
		var cancel context.CancelFunc
		waiting, cancel = context.WithTimeout(ctx, r.opts.LockTimeout)
		defer cancel()
	}
	start := time.Now()
	var spoke time.Time
	holder := ""
	pace := backoff.NewExponentialBackOff(backoff.WithInitialInterval(lockFirst), backoff.WithMaxInterval(lockMost), backoff.WithMaxElapsedTime(0))
	err := retry.Do(waiting, retry.Policy{Pace: pace}, func(ctx context.Context) error {
		held, err := r.drv.TryLock(ctx)
		if err != nil || held {
			return err
		}
		if time.Since(spoke) >= heartbeat {
			spoke = time.Now()
			if holder, err = r.drv.Holder(ctx); err != nil {
				return err
			}
			r.env.Log.Warn("waiting for the lock of the migrations", "holder", holder, "waited", time.Since(start).Round(time.Millisecond))
		}
		return errLocked
	}, func(result retry.Result) bool { return errors.Is(result.Err, errLocked) })
	if err == nil {
		return nil
	}
	if waiting.Err() == nil && !errors.Is(err, context.DeadlineExceeded) { // not the wait has ended, but the connection
		return fmt.Errorf("cannot take the lock of the migrations: %w", err)
	}
	if holder != "" {
		holder = ": " + holder
	}
	return fault.WithNext(fmt.Errorf("%w%s (waited %s)", errLocked, holder, time.Since(start).Round(time.Millisecond)), nextLocked)
}
