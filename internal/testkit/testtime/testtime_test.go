package testtime

import (
	"errors"
	"slices"
	"testing"
	"time"
)

func TestDeadlines(t *testing.T) {
	all := slices.Collect(Deadlines)
	if len(all) < 4 || all[0] > time.Second || all[len(all)-1] < Patience/longer || all[len(all)-1] > Patience || !slices.IsSorted(all) {
		t.Errorf("got %v", all)
	}
}

func TestExplained(t *testing.T) {
	late := func(timeout time.Duration) error {
		if timeout < time.Second {
			return errors.New("nothing seen yet")
		}
		return errors.New("db: connection refused")
	}
	for words, want := range map[string]string{"refused": "db: connection refused", "nothing": "nothing seen yet", "no such words": "db: connection refused"} {
		if err := Explained(late, words); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %q", words, err, want)
		}
	}
	if err := Explained(late, "refused", "no such words"); err == nil {
		t.Error("one of two words is enough")
	}
	calls := 0
	if err := Explained(func(time.Duration) error { calls++; return nil }, "refused"); err != nil || calls != 1 {
		t.Errorf("got %v after %d calls: a success must not be tried away", err, calls)
	}
}

func TestBest(t *testing.T) {
	for bound, want := range map[time.Duration]int{9: 1, 7: 3, -1: tries} { // calls, each 1 ns faster than the one before
		calls := 0
		best := Best(bound, func() time.Duration { calls++; return time.Duration(tries - calls) })
		if calls != want || best != time.Duration(tries-calls) {
			t.Errorf("bound %v: %v after %d calls, want %d", bound, best, calls, want)
		}
	}
}
