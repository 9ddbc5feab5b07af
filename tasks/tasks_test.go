package tasks

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/internal/wait/retry"
)

func testEnv(w io.Writer, dryRun bool) *Env {
	return NewEnv(slog.New(slog.NewTextHandler(w, nil)), io.Discard, dryRun)
}

func TestKinds(t *testing.T) {
	wrapped := fmt.Errorf("step: %w", WithNext(Finalf("dirty"), "look"))
	for _, c := range []struct {
		err  error
		kind Kind
		next string
	}{
		{errors.New("x"), Failed, ""},
		{Usagef("x"), Usage, ""},
		{wrapped, Final, "look"},
		{WithNext(errors.New("x"), "a"), Failed, "a"},
		{errors.Join(errors.New("a"), Usagef("b")), Usage, ""},
		{fmt.Errorf("both: %w", errors.Join(Usagef("a"), WithNext(Usagef("b"), "look"), WithNext(Usagef("c"), "there"))), Usage, "look"},
		{&Error{Err: WithNext(errors.New("x"), "inner")}, Failed, "inner"},
	} {
		if k := KindOf(c.err); k != c.kind {
			t.Errorf("%v: kind %v, want %v", c.err, k, c.kind)
		}
		if n := NextOf(c.err); n != c.next {
			t.Errorf("%v: next %q, want %q", c.err, n, c.next)
		}
		if p := Permanent(c.err); p != (c.kind != Failed) {
			t.Errorf("%v: permanent %v", c.err, p)
		}
	}
}

func TestDo(t *testing.T) {
	e := testEnv(io.Discard, false)
	made := 0
	change := func() error { made++; return nil }
	if err := e.Do(t.Context(), "create", "/x", change); err != nil || made != 1 || e.Changes() != 1 {
		t.Errorf("got %v, %d made, %d counted", err, made, e.Changes())
	}
	if e.Activity() != "create /x" {
		t.Errorf("activity %q", e.Activity())
	}
	err := e.Do(t.Context(), "create", "/y", func() error { return errors.New("no space") })
	if err == nil || err.Error() != "create /y: no space" || e.Changes() != 1 {
		t.Errorf("got %v, %d counted", err, e.Changes())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Do(ctx, "create", "/z", change); !errors.Is(err, context.Canceled) || made != 1 {
		t.Errorf("after cancel: got %v, %d made", err, made)
	}
}

func TestLookupEnv(t *testing.T) {
	e := testEnv(io.Discard, false)
	if v, ok := e.LookupEnv("PATH"); ok {
		t.Errorf("an Env that was given no environment has PATH=%s", v)
	}
	e.Environ = []string{"AB=2", "A=1=1", "EMPTY="}
	for name, want := range map[string]string{"A": "1=1", "AB": "2", "EMPTY": ""} {
		if v, ok := e.Sub(e.Log).LookupEnv(name); v != want || !ok {
			t.Errorf("%s: got %q, %v, want %q", name, v, ok, want)
		}
	}
	if v, ok := e.LookupEnv("B"); v != "" || ok {
		t.Errorf("B: got %q, %v, want it unset", v, ok)
	}
}

func TestDoDryRun(t *testing.T) {
	var log bytes.Buffer
	e := testEnv(&log, true)
	sub := e.Sub(e.Log)
	err := sub.Do(t.Context(), "create", "/x", func() error { t.Error("a change was made"); return nil })
	if err != nil || sub.Changes() != 1 || e.Changes() != 1 {
		t.Errorf("got %v, %d and %d counted", err, sub.Changes(), e.Changes())
	}
	if !strings.Contains(log.String(), `msg="would create" target=/x`) {
		t.Errorf("log: %s", &log)
	}
}

// A dry-run logs the first ten changes and counts the others, unless each matters.
func TestDoDryRunLists(t *testing.T) {
	for all, want := range map[bool]int{false: shownChanges, true: 25} {
		var log bytes.Buffer
		e := testEnv(&log, true)
		e.ListAll = all
		for i := range 25 {
			if err := e.Do(t.Context(), "create", fmt.Sprint(i), nil); err != nil {
				t.Fatal(err)
			}
		}
		if n := strings.Count(log.String(), "would create"); n != want || e.Changes() != 25 {
			t.Errorf("all %v: %d lines for %d changes, want %d", all, n, e.Changes(), want)
		}
	}
}

func TestPollKeepsTheLastError(t *testing.T) {
	err := testtime.Explained(func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return testEnv(io.Discard, false).Poll(ctx, Poll{Target: "db:1"}, func(context.Context) error {
			return WithNext(errors.New("refused"), "look there")
		})
	}, "refused (after ")
	if err == nil || !strings.HasPrefix(err.Error(), "refused (after ") || NextOf(err) != "look there" {
		t.Errorf("got %v, next %q", err, NextOf(err))
	}
}

func TestPollEndsAtPermanentErrors(t *testing.T) {
	n := 0
	err := testEnv(io.Discard, false).Poll(t.Context(), Poll{Target: "db:1"}, func(context.Context) error { n++; return Finalf("never") })
	if KindOf(err) != Final || n != 1 {
		t.Errorf("got %v after %d attempts", err, n)
	}
}

func TestPollBeforeAnyAttemptEnded(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	err := testEnv(io.Discard, false).Poll(ctx, Poll{Target: "db:1"}, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
	if err == nil || !strings.Contains(err.Error(), "the first attempt had no answer yet") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// Failures are logged when they are news, not at every attempt: not even when
// two of them take turns.
func TestPollLogsNews(t *testing.T) {
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	n := 0
	_ = testEnv(&log, false).Poll(ctx, Poll{Target: "db:1", MaxInterval: time.Millisecond}, func(context.Context) error {
		if n++; n == 100 {
			cancel()
		}
		return fmt.Errorf("cause %d", n%2)
	})
	if lines := strings.Count(log.String(), "\n"); lines != 2 || n < 10 {
		t.Errorf("%d attempts logged %d lines:\n%s", n, lines, &log)
	}
}

// Text that differs at every attempt is shown, but it is no news.
func TestPollCause(t *testing.T) {
	var log bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	n := 0
	err := testEnv(&log, false).Poll(ctx, Poll{Target: "db:1", MaxInterval: time.Millisecond}, func(context.Context) error {
		if n++; n == 100 {
			cancel()
		}
		return &Error{Err: fmt.Errorf("request %d failed", n), Cause: "request failed"}
	})
	if lines := strings.Count(log.String(), "\n"); lines != 1 || n < 10 {
		t.Errorf("%d attempts logged %d lines:\n%s", n, lines, &log)
	}
	if err == nil || strings.Contains(err.Error(), "request 1 failed") {
		t.Errorf("the error must be the last one: %v", err)
	}
}

// The heartbeat: the same failure is logged again once it is 10 s old.
func TestWatchHeartbeat(t *testing.T) {
	var log bytes.Buffer
	w := &watch{env: testEnv(&log, false), ctx: t.Context(), poll: Poll{Target: "db:1"}, start: time.Now()}
	fail := func() { w.observe(retry.Result{Attempt: 1, Err: errors.New("refused")}) }
	fail()
	fail()
	w.loggedAt = w.loggedAt.Add(-heartbeat)
	w.seen["refused"] = w.loggedAt
	fail()
	fail()
	if lines := strings.Count(log.String(), "msg=waiting"); lines != 2 {
		t.Errorf("logged %d lines, want 2:\n%s", lines, &log)
	}
}

func TestPollDryRun(t *testing.T) {
	var log bytes.Buffer
	e := testEnv(&log, true)
	for _, c := range []struct {
		err  error
		want string
	}{{nil, "ready now"}, {errors.New("refused"), "not ready now"}} {
		n := 0
		err := e.Poll(t.Context(), Poll{Target: "db:1"}, func(context.Context) error { n++; return c.err })
		if err != nil || n != 1 || !strings.Contains(log.String(), c.want) {
			t.Errorf("got %v after %d attempts, log %s", err, n, &log)
		}
	}
	hang := func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	if err := e.Poll(t.Context(), Poll{AttemptTimeout: time.Millisecond}, hang); err != nil {
		t.Errorf("a target that hangs is not ready, which a dry-run says: got %v", err)
	}
	if err := e.Poll(t.Context(), Poll{}, func(context.Context) error { return Usagef("bad") }); KindOf(err) != Usage {
		t.Errorf("got %v", err)
	}
}
