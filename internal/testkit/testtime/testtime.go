// Package testtime helps tests that depend on time to pass on a machine that is
// many times slower than usual: if an operation had too little time, it gets more;
// an operation that must be fast must be so in one of several tries.
package testtime

import (
	"strings"
	"time"
)

// Patience is how long a test waits for something that must happen. Only a failing
// test takes that long.
const Patience = time.Minute

// The first of [Deadlines], and the factor by which each is longer than the one
// before.
const (
	first  = 100 * time.Millisecond
	longer = 4
)

// Deadlines yields timeouts for something that must not be finished when they
// pass: short at first, then longer, up to about half of [Patience].
func Deadlines(yield func(time.Duration) bool) {
	for d := first; d < Patience; d *= longer {
		if !yield(d) {
			return
		}
	}
}

// Explained calls run with [Deadlines] until it returns nil or an error that
// contains all of words, and returns the last result. On a busy machine, a short
// deadline may pass before there is a cause to report.
func Explained(run func(timeout time.Duration) error, words ...string) (err error) {
	for timeout := range Deadlines {
		if err = run(timeout); err == nil || holds(err.Error(), words) {
			break
		}
	}
	return err
}

func holds(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

// tries is how often an operation that must be fast may be slow.
const tries = 10

// Best calls try until it takes no longer than bound, at most ten times, and
// returns the shortest time. All other checks inside try must hold every time.
func Best(bound time.Duration, try func() time.Duration) time.Duration {
	best := try()
	for n := 1; n < tries && best > bound; n++ {
		best = min(best, try())
	}
	return best
}
