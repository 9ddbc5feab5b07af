package pool

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testtime"
)

func TestRunsAllJobsOnBoundedWorkers(t *testing.T) {
	var ran, states atomic.Int64
	var grow func(p *Pool[*int], depth int) Job[*int]
	grow = func(p *Pool[*int], depth int) Job[*int] {
		return func(_ context.Context, own *int) error {
			*own++ // the race detector sees a state that two workers share
			ran.Add(1)
			for range 3 {
				if depth > 0 {
					p.Push(grow(p, depth-1))
				}
			}
			return nil
		}
	}
	newState := func() *int { states.Add(1); return new(int) }
	err := Run(t.Context(), 4, newState, func(p *Pool[*int]) Job[*int] { return grow(p, 6) })
	if want := int64(1 + 3 + 9 + 27 + 81 + 243 + 729); err != nil || ran.Load() != want {
		t.Errorf("ran %d of %d jobs: %v", ran.Load(), want, err)
	}
}

// A job that waits for another one needs a second worker.
func TestGrow(t *testing.T) {
	for _, most := range []int{1, 2} {
		ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
		seen := make(chan bool)
		err := Run(ctx, 1, func() int { return 0 }, func(p *Pool[int]) Job[int] {
			return func(ctx context.Context, _ int) error {
				p.Push(func(context.Context, int) error { close(seen); return nil })
				p.Grow(most)
				if most == 1 {
					select {
					case <-seen:
						return errors.New("there are two workers")
					case <-time.After(20 * time.Millisecond):
						return nil
					}
				}
				select {
				case <-seen:
					return nil
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		})
		cancel()
		if err != nil {
			t.Errorf("at most %d workers: %v", most, err)
		}
	}
}

func TestErrorEndsTheOthersButRunsThem(t *testing.T) {
	broken := errors.New("broken")
	var after atomic.Int64
	err := Run(t.Context(), 2, func() int { return 0 }, func(p *Pool[int]) Job[int] {
		return func(context.Context, int) error {
			for range 100 {
				p.Push(func(ctx context.Context, _ int) error {
					<-ctx.Done()
					after.Add(1)
					return ctx.Err()
				})
			}
			return broken
		}
	})
	if err != broken || after.Load() != 100 {
		t.Errorf("got %v, and %d jobs saw the end", err, after.Load())
	}
}

func TestEndOfContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	err := Run(ctx, 1, func() int { return 0 }, func(*Pool[int]) Job[int] {
		return func(context.Context, int) error { cancel(); return nil }
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestErrorAtTheEndOfContext(t *testing.T) {
	for range 10 {
		ctx, cancel := context.WithCancel(t.Context())
		err := Run(ctx, 2, func() int { return 0 }, func(p *Pool[int]) Job[int] {
			return func(ctx context.Context, _ int) error {
				for i := range 10 {
					p.Push(func(context.Context, int) error {
						<-ctx.Done()
						if i == 5 {
							return fmt.Errorf("in line 5: %w", ctx.Err())
						}
						return ctx.Err()
					})
				}
				cancel()
				return nil
			}
		})
		if !errors.Is(err, context.Canceled) || err.Error() != "in line 5: context canceled" {
			t.Errorf("got %v", err)
		}
	}
}
