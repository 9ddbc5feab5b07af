// Package testtime lets tests speak of time on a machine that may be many times
// slower than usual: what needs time gets more of it when it was too little, and
// what must be fast must be so once in several tries.
package testtime

import (
	"strings"
	"time"
)

// Patience is what a test gives to something that must happen. Only a test that
// fails takes as long.
const Patience = time.Minute

// The first of [Deadlines], and by how much each is longer than the one before.
const (
	first  = 100 * time.Millisecond
	longer = 4
)

// Deadlines yields what a test gives to something that must still be undone at
// the end: little at first, and more each time, up to about half of [Patience].
func Deadlines(yield func(time.Duration) bool) {
	for d := first; d < Patience; d *= longer {
		if !yield(d) {
			return
		}
	}
}

// Explained calls run with [Deadlines] until its error holds all of words, or
// there is none, and returns the last one. On a busy machine a short deadline
// may pass before there is a cause to tell of.
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

// tries is how often something that must be fast may be slow.
const tries = 10

// Best calls try until it has taken no longer than bound, but not for ever, and
// returns the shortest time. What a try does besides must hold every time.
func Best(bound time.Duration, try func() time.Duration) time.Duration {
	best := try()
	for n := 1; n < tries && best > bound; n++ {
		best = min(best, try())
	}
	return best
}
