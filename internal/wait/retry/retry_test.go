package retry

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
)

var errNotYet = errors.New("not yet")

func always(Result) bool { return true }

func TestDoUntilSuccess(t *testing.T) {
	var n int
	err := Do(t.Context(), Policy{Pace: backoff.NewConstantBackOff(time.Millisecond)}, func(context.Context) error {
		if n++; n < 5 {
			return errNotYet
		}
		return nil
	}, always)
	if err != nil || n != 5 {
		t.Errorf("got %v after %d attempts", err, n)
	}
}

func TestDoStopsWhenToldTo(t *testing.T) {
	var n int
	err := Do(t.Context(), Policy{Pace: backoff.NewConstantBackOff(0)}, func(context.Context) error { n++; return errNotYet },
		func(r Result) bool { return r.Attempt < 3 })
	if !errors.Is(err, errNotYet) || n != 3 {
		t.Errorf("got %v after %d attempts", err, n)
	}
}

func TestDoInARow(t *testing.T) {
	outcomes := []error{nil, nil, errNotYet, nil, nil, nil}
	var streaks []int
	var n int
	err := Do(t.Context(), Policy{Pace: backoff.NewConstantBackOff(0), Successes: 3}, func(context.Context) error {
		n++
		return outcomes[n-1]
	}, func(r Result) bool { streaks = append(streaks, r.Streak); return true })
	if err != nil || n != 6 {
		t.Fatalf("got %v after %d attempts", err, n)
	}
	for i, want := range []int{1, 2, 0, 1, 2, 3} {
		if streaks[i] != want {
			t.Errorf("attempt %d: streak %d, want %d", i+1, streaks[i], want)
		}
	}
}

// A failure of an attempt that hung since before the streak is old news. One that
// began within the streak ends it.
func TestDoStreakAndLateFailure(t *testing.T) {
	for late, want := range map[int][]int{1: {1, 2, 2, 3, 4}, 2: {1, 2, 0, 1, 2, 3, 4}} {
		var n atomic.Int32
		var streaks []int
		oneEnded, twoEnded, lateEnded := make(chan struct{}), make(chan struct{}), make(chan struct{})
		err := Do(t.Context(), Policy{Pace: backoff.NewConstantBackOff(time.Millisecond), Overlap: 10, Successes: 4}, func(context.Context) error {
			switch i := int(n.Add(1)); {
			case i == late:
				<-twoEnded
				return errNotYet
			case i == 3:
				<-oneEnded
			case i > 3:
				<-lateEnded
			}
			return nil
		}, func(r Result) bool {
			switch streaks = append(streaks, r.Streak); len(streaks) {
			case 1:
				close(oneEnded)
			case 2:
				close(twoEnded)
			case 3:
				close(lateEnded)
			}
			return true
		})
		if err != nil || !slices.Equal(streaks, want) {
			t.Errorf("attempt %d fails late: got %v with streaks %v, want %v", late, err, streaks, want)
		}
	}
}

// A hanging attempt must not hold up the ones after it.
func TestDoOverlaps(t *testing.T) {
	var n atomic.Int32
	start := time.Now()
	err := Do(t.Context(), Policy{Pace: backoff.NewConstantBackOff(time.Millisecond), AttemptTimeout: time.Hour, Overlap: 1 << 30},
		func(ctx context.Context) error {
			if n.Add(1) < 4 {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}, always)
	if err != nil || time.Since(start) > 10*time.Second {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

// One attempt that hangs does not slow down the others, however few may overlap.
func TestDoKeepsPaceBesideAHangingAttempt(t *testing.T) {
	var n atomic.Int32
	start := time.Now()
	err := Do(t.Context(), Policy{Pace: backoff.NewConstantBackOff(time.Millisecond), AttemptTimeout: time.Hour, Overlap: 2},
		func(ctx context.Context) error {
			switch n.Add(1) {
			case 1:
				<-ctx.Done()
				return ctx.Err()
			case 20:
				return nil
			}
			return errNotYet
		}, always)
	if err != nil || time.Since(start) > 30*time.Minute {
		t.Errorf("got %v after %v", err, time.Since(start))
	}
}

// Attempts that all hang are spread over the bound of one, whatever the pace. The
// first one alone delays nothing.
func TestDoSpreadsHangingAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var mu sync.Mutex
		var starts []time.Duration
		attempt := func(ctx context.Context) error {
			mu.Lock()
			starts = append(starts, time.Since(begin))
			mu.Unlock()
			<-ctx.Done()
			return errNotYet
		}
		p := Policy{Pace: backoff.NewConstantBackOff(time.Millisecond), AttemptTimeout: 4 * time.Second, Overlap: 4}
		err := Do(t.Context(), p, attempt, func(r Result) bool { return r.Attempt < 4 })
		want := []time.Duration{0, time.Millisecond, 1001 * time.Millisecond, 2001 * time.Millisecond, 4 * time.Second, 5 * time.Second, 6 * time.Second}
		if !errors.Is(err, errNotYet) || !slices.Equal(starts, want) {
			t.Errorf("got %v with attempts at %v, want %v", err, starts, want)
		}
	})
}

// Without room for overlap, attempts that hang take turns, each bounded.
func TestDoAttemptTimeout(t *testing.T) {
	var inFlight, most, n atomic.Int32
	err := Do(t.Context(), Policy{Pace: backoff.NewConstantBackOff(0), AttemptTimeout: 5 * time.Millisecond}, func(ctx context.Context) error {
		most.Store(max(most.Load(), inFlight.Add(1)))
		defer inFlight.Add(-1)
		if n.Add(1) < 4 {
			<-ctx.Done()
			return ctx.Err()
		}
		return nil
	}, always)
	if err != nil || most.Load() != 1 {
		t.Errorf("got %v with %d attempts at once", err, most.Load())
	}
}

func TestDoEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var running atomic.Int32
	time.AfterFunc(20*time.Millisecond, cancel)
	err := Do(ctx, Policy{Pace: backoff.NewConstantBackOff(time.Millisecond), AttemptTimeout: time.Hour, Overlap: 1 << 30}, func(ctx context.Context) error {
		running.Add(1)
		defer running.Add(-1)
		<-ctx.Done()
		return ctx.Err()
	}, always)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := running.Load(); n != 0 {
		t.Errorf("%d attempts still run", n)
	}
}

func TestDoWithDoneContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := Do(ctx, Policy{Pace: Ramp(FastInterval, time.Second)}, func(context.Context) error { t.Error("an attempt"); return nil }, always)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The ramp stays fast for half a minute and then slows to its bound.
func TestRamp(t *testing.T) {
	r := Ramp(FastInterval, 5*time.Second).(*ramp)
	within := func(d, base time.Duration) bool {
		return float64(d) >= (1-jitter)*float64(base) && float64(d) <= (1+jitter)*float64(base)
	}
	for range 1000 {
		if d := r.NextBackOff(); !within(d, FastInterval) {
			t.Fatalf("fast interval %v", d)
		}
	}
	r.fastUntil = time.Now()
	var waited time.Duration
	attempts := 0
	for waited < 10*time.Minute {
		d := r.NextBackOff()
		// What waiting adds is bounded by what was waited already.
		if bound := time.Duration(float64(FastInterval)+0.1*float64(waited)) * 2; d > bound {
			t.Fatalf("interval %v after %v", d, waited)
		}
		waited += d
		attempts++
	}
	if d := r.NextBackOff(); !within(d, 5*time.Second) {
		t.Errorf("slow interval %v", d)
	}
	if attempts > 400 {
		t.Errorf("%d attempts in ten minutes", attempts)
	}
	if d := Ramp(FastInterval, time.Millisecond).NextBackOff(); !within(d, time.Millisecond) {
		t.Errorf("interval %v above the bound", d)
	}
}

// A panic in an attempt reaches whoever called Do, not the end of the process.
func TestDoPanics(t *testing.T) {
	defer func() {
		if p := recover(); p != "boom" {
			t.Errorf("recovered %v", p)
		}
	}()
	_ = Do(t.Context(), Policy{Pace: Ramp(FastInterval, time.Second)}, func(context.Context) error { panic("boom") }, always)
	t.Error("no panic")
}
