package kube

import (
	"context"
	"errors"
	"testing"
	"time"
)

// Patience is how long the tests wait for a cluster. It is long, because a busy
// machine is slow.
const Patience = 3 * time.Minute

// Eventually returns when try succeeds. It ends the test if that does not happen
// within [Patience], or if try returns an error of [Never].
func Eventually(t testing.TB, what string, try func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	started := time.Now()
	var why error
	for {
		err := try(ctx)
		if err == nil {
			return
		}
		if why == nil || ctx.Err() == nil {
			why = err // do not report that time was up during the attempt
		}
		if ctx.Err() != nil || errors.As(err, new(never)) {
			t.Fatalf("waited %s for %s: %v", time.Since(started).Round(time.Millisecond), what, why)
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Never marks an error that waiting cannot heal.
func Never(err error) error { return never{err} }

type never struct{ error }
