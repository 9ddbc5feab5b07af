package wait

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// all waits for targets, one of which ends the wait.
func all(t *testing.T, o Options, targets ...Target) (*tasks.Env, error) {
	t.Helper()
	return allUntil(t, testtime.Patience, o, targets...)
}

func allUntil(t *testing.T, timeout time.Duration, o Options, targets ...Target) (*tasks.Env, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	env := tasks.NewEnv(slog.New(slog.DiscardHandler), io.Discard, false)
	return env, o.All(ctx, env, 1, targets)
}

// notAll waits for targets until a deadline. The error must contain words.
func notAll(t *testing.T, o Options, words []string, targets ...Target) (env *tasks.Env, err error) {
	t.Helper()
	err = testtime.Explained(func(timeout time.Duration) (err error) {
		env, err = allUntil(t, timeout, o, targets...)
		return err
	}, words...)
	for _, w := range words {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("got %v, want an error with %q", err, w)
		}
	}
	return env, err
}

func target(name string, err error) Target {
	return Target{Name: name, Probe: func(context.Context) error { return err }}
}

var errNotYet = errors.New("not yet")

func TestAll(t *testing.T) {
	o := Defaults(time.Second)
	if _, err := all(t, o, target("a", nil), target("b", nil)); err != nil {
		t.Error(err)
	}
	env, err := notAll(t, o, []string{"a: not yet", "c: not yet"}, target("a", errNotYet), target("b", nil), target("c", errNotYet))
	if err != nil && strings.Contains(err.Error(), "b:") {
		t.Errorf("the error must name what is not ready and nothing else: %v", err)
	}
	if got := env.Activity(); got != "waiting for a and 1 more" {
		t.Errorf("activity %q", got)
	}
	env, _ = notAll(t, o, []string{"b: not yet"}, target("a", nil), target("b", errNotYet))
	if got := env.Activity(); got != "waiting for b" {
		t.Errorf("activity %q", got)
	}
}

func TestAny(t *testing.T) {
	o := Defaults(time.Second)
	o.Any = true
	if _, err := all(t, o, target("a", errNotYet), target("b", nil)); err != nil {
		t.Error(err)
	}
	_, _ = notAll(t, o, []string{"a: not yet"}, target("a", errNotYet))
}

// A permanent error ends the wait at once and is not buried among the others.
func TestPermanent(t *testing.T) {
	o := Defaults(time.Hour)
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	env := tasks.NewEnv(slog.New(slog.DiscardHandler), io.Discard, false)
	err := o.All(ctx, env, 1, []Target{target("a", errNotYet), target("b", fault.WithNext(fault.Finalf("401"), "look"))})
	if fault.KindOf(err) != fault.Final || err.Error() != "b: 401" || fault.NextOf(err) != "look" || time.Since(start) > 30*time.Second {
		t.Errorf("got %v, %q after %v", err, fault.NextOf(err), time.Since(start))
	}
}

// With any, the wait for the other targets goes on after one has failed for good.
func TestAnyAndPermanent(t *testing.T) {
	o := Defaults(time.Second)
	o.Any = true
	late := time.Now().Add(50 * time.Millisecond)
	becomes := Target{Name: "b", Probe: func(context.Context) error {
		if time.Now().Before(late) {
			return errNotYet
		}
		return nil
	}}
	if _, err := all(t, o, target("a", fault.Finalf("401")), becomes); err != nil {
		t.Error(err)
	}
	if _, err := notAll(t, o, []string{"a: 401", "b: not yet"}, target("a", fault.Finalf("401")), target("b", errNotYet)); fault.KindOf(err) != fault.Failed {
		t.Errorf("kind %v although one could have become ready: %v", fault.KindOf(err), err)
	}
	if _, err := all(t, o, target("a", fault.Finalf("401")), target("b", fault.Finalf("403"))); fault.KindOf(err) != fault.Final {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
	if _, err := all(t, o, target("a", errNotYet), target("b", fault.Usagef("bad"))); fault.KindOf(err) != fault.Usage {
		t.Errorf("kind %v: %v", fault.KindOf(err), err)
	}
}

// A dry-run with any looks at every target.
func TestAnyDryRun(t *testing.T) {
	o := Defaults(time.Second)
	o.Any = true
	env := tasks.NewEnv(slog.New(slog.DiscardHandler), io.Discard, true)
	err := o.All(t.Context(), env, 1, []Target{target("a", errNotYet), {Name: "b", Probe: func(ctx context.Context) error {
		time.Sleep(50 * time.Millisecond)
		return ctx.Err()
	}}})
	if err != nil {
		t.Error(err)
	}
}

func TestFit(t *testing.T) {
	o := Defaults(time.Second)
	if got := o.Fit(t.Context()).AttemptTimeout; got != time.Second {
		t.Errorf("without a deadline: %v", got)
	}
	for left, most := range map[time.Duration]time.Duration{
		time.Hour: time.Second, 500 * time.Millisecond: 450 * time.Millisecond, -time.Second: time.Millisecond,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), left)
		if got := o.Fit(ctx).AttemptTimeout; got > most || got < time.Millisecond {
			t.Errorf("with %v left: %v, want at most %v", left, got, most)
		}
		cancel()
	}
}
