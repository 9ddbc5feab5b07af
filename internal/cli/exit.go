package cli

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

// The exit codes. 124 and 128+n are those of timeout(1) and of a shell. A Job's
// podFailurePolicy can tell from them whether the pod may be retried.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitFinal    = 3
	exitDeadline = 124
	exitSignal   = 128
)

// exitTable is the list of exit codes in help and pages.
var exitTable = []struct{ Code, Meaning string }{
	{"0", "done"},
	{"1", "failed, a retry may help"},
	{"2", "usage or configuration is wrong, nothing was touched"},
	{"3", "failed for good, a retry cannot help"},
	{"124", "the deadline passed"},
	{"128+n", "stopped by signal n: 130 for SIGINT, 143 for SIGTERM"},
}

// exitCode maps the error of a task to the exit code of the process.
func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if sig, ok := errors.AsType[*signalError](err); ok {
		return exitSignal + int(sig.signal)
	}
	if _, stopped := errors.AsType[*stoppedError](err); stopped {
		return exitDeadline
	}
	switch tasks.KindOf(err) {
	case tasks.Usage:
		return exitUsage
	case tasks.Final:
		return exitFinal
	default:
		return exitFailed
	}
}

// A deadlineError is the cause of a context whose deadline passed.
type deadlineError struct {
	of      string // whose deadline: "wait-tcp"
	timeout time.Duration
}

func (e *deadlineError) Error() string {
	return fmt.Sprintf("the deadline of %s for %s passed", flags.FormatDuration(e.timeout), e.of)
}

func (e *deadlineError) Is(target error) bool { return target == context.DeadlineExceeded }

// A signalError is the cause of a context that a signal ended.
type signalError struct{ signal syscall.Signal }

func (e *signalError) Error() string { return "stopped by " + unix.SignalName(e.signal) }

// A stoppedError is the failure of a task whose context ended before the task was done.
type stoppedError struct {
	cause    error  // a *deadlineError or *signalError
	activity string // what the task was doing, or ""
	err      error  // what the task returned, nil if it did not return
}

// what describes what ended task, and what task was doing then.
func (e *stoppedError) what(task string) string {
	text := e.cause.Error()
	if d, ok := errors.AsType[*deadlineError](e.cause); ok && d.of == task {
		text = fmt.Sprintf("its deadline of %s passed", flags.FormatDuration(d.timeout))
	}
	if e.activity != "" {
		text += " while " + e.activity
	}
	return text
}

func (e *stoppedError) Error() string {
	switch {
	case e.err != nil:
		return e.err.Error()
	case e.activity != "":
		return "no answer from the operating system while it was " + e.activity
	default:
		return e.cause.Error()
	}
}

func (e *stoppedError) Unwrap() []error { return []error{e.cause, e.err} }
