package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/initbox/initbox/tasks"
)

// A runFunc is the Run of a task, or a part of its work.
type runFunc func(context.Context, *tasks.Env) error

// execute calls run under a deadline and returns even if run does not, at most
// grace later: a system call on a dead NFS server can hang forever. A failure
// after the end of the context is returned as a *stoppedError.
func execute(ctx context.Context, run runFunc, env *tasks.Env, of string, timeout, grace time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, &deadlineError{of, timeout})
	defer cancel()

	done := make(chan error, 1)
	go func() {
		done <- safely(ctx, run, env)
	}()
	select {
	case err := <-done:
		return ended(ctx, env, err)
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return ended(ctx, env, err)
	case <-time.After(grace):
		return &stoppedError{cause: context.Cause(ctx), activity: env.Activity()}
	}
}

// ended tells a failure of the task itself from one that the end of ctx caused.
func ended(ctx context.Context, env *tasks.Env, err error) error {
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		<-ctx.Done() // a system call noticed the deadline before the context's own timer
	}
	_, explained := errors.AsType[*stoppedError](err)
	if err == nil || ctx.Err() == nil || tasks.Permanent(err) || explained {
		return err
	}
	return &stoppedError{cause: context.Cause(ctx), activity: env.Activity(), err: err}
}

// safely turns a panic into an error. The exit code of a panic, 2, would mean
// that nothing was touched.
func safely(ctx context.Context, run runFunc, env *tasks.Env) (err error) {
	defer func() {
		if p := recover(); p != nil {
			env.Log.Error("panic", "value", p, "stack", string(debug.Stack()))
			err = tasks.WithNext(fmt.Errorf("internal error: %v", p), "report this with the log, which holds the stack")
		}
	}()
	return run(ctx, env)
}

// withSignals returns a context that the first of signals ends with a
// *signalError as its cause, and a function that releases it.
func withSignals(parent context.Context, signals <-chan os.Signal) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(parent)
	go func() {
		select {
		case s := <-signals:
			sig, _ := s.(syscall.Signal)
			cancel(&signalError{sig})
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}
