package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/internal/text/redact"
	"github.com/initbox/initbox/tasks"
)

// A testTask calls its function.
type testTask struct {
	Word  string
	Token string
	Words []string
	Count int
	run   func(context.Context, *tasks.Env) error
	check error
}

func (t *testTask) Flags(fs *pflag.FlagSet) {
	fs.StringVar(&t.Word, "word", t.Word, "a word")
	fs.StringVar(&t.Token, "token", t.Token, "a secret")
	fs.StringArrayVar(&t.Words, "item", t.Words, "words")
	fs.IntVar(&t.Count, "count", t.Count, "a number")
	fs.Lookup("token").Annotations = map[string][]string{"secret": nil}
}
func (t *testTask) Check() error { return t.check }
func (t *testTask) Run(ctx context.Context, env *tasks.Env) error {
	if t.run == nil {
		return nil
	}
	return t.run(ctx, env)
}

func testEnv() *tasks.Env {
	return tasks.NewEnv(slog.New(slog.DiscardHandler), io.Discard, false)
}

func TestExitCodes(t *testing.T) {
	stopped := func(cause, err error) error { return &stoppedError{cause: cause, err: err} }
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{tasks.Usagef("x"), 2},
		{tasks.Finalf("x"), 3},
		{fmt.Errorf("step 2: %w", tasks.Finalf("x")), 3},
		{stopped(&deadlineError{"x", 1}, errors.New("y")), 124},
		{stopped(&signalError{syscall.SIGTERM}, errors.New("y")), 143},
		{stopped(&signalError{syscall.SIGINT}, nil), 130},
		{fmt.Errorf("step 2: %w", stopped(&deadlineError{"x", 1}, nil)), 124},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.err, got, c.want)
		}
	}
}

func TestExecute(t *testing.T) {
	block := func(ctx context.Context, _ *tasks.Env) error { <-ctx.Done(); return errors.New("was waiting for db") }
	const short = 30 * time.Millisecond
	for _, c := range []struct {
		name    string
		timeout time.Duration
		run     func(context.Context, *tasks.Env) error
		code    int
		text    string
	}{
		{"done", time.Minute, nil, 0, ""},
		{"deadline", short, block, 124, "was waiting for db"},
		{"done in spite of the deadline", short, func(ctx context.Context, _ *tasks.Env) error { <-ctx.Done(); return nil }, 0, ""},
		{"failed for good at the deadline", short, func(ctx context.Context, _ *tasks.Env) error { <-ctx.Done(); return tasks.Finalf("dirty") }, 3, "dirty"},
		{"failed a moment before the context's timer", short, func(ctx context.Context, _ *tasks.Env) error {
			deadline, _ := ctx.Deadline()
			for time.Now().Before(deadline) {
			}
			return errors.New("i/o timeout")
		}, 124, "i/o timeout"},
		{"panic", time.Minute, func(context.Context, *tasks.Env) error { panic("boom") }, 1, "internal error: boom"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := execute(t.Context(), (&testTask{run: c.run}).Run, testEnv(), "x", c.timeout, time.Minute)
			if exitCode(err) != c.code || err != nil && !strings.Contains(err.Error(), c.text) {
				t.Errorf("got %v, exit code %d; want %d", err, exitCode(err), c.code)
			}
		})
	}
}

// The process ends even if a task hangs in a system call.
func TestExecuteWatchdog(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	hang := &testTask{run: func(_ context.Context, env *tasks.Env) error {
		env.Doing("chown /data/x")
		<-release
		return nil
	}}
	err := testtime.Explained(func(timeout time.Duration) error {
		return execute(t.Context(), hang.Run, testEnv(), "x", timeout, 20*time.Millisecond)
	}, "chown /data/x")
	if exitCode(err) != 124 || !strings.Contains(err.Error(), "chown /data/x") {
		t.Errorf("got %v, exit code %d", err, exitCode(err))
	}
}

func TestSignals(t *testing.T) {
	signals := make(chan os.Signal, 1)
	ctx, stop := withSignals(t.Context(), signals)
	defer stop()
	signals <- syscall.SIGTERM
	wait := &testTask{run: func(ctx context.Context, env *tasks.Env) error {
		env.Doing("waiting for db:5432")
		<-ctx.Done()
		return ctx.Err()
	}}
	err := execute(ctx, wait.Run, testEnv(), "x", time.Minute, time.Minute)
	if exitCode(err) != 143 {
		t.Errorf("got %v, exit code %d", err, exitCode(err))
	}
	v := &verdict{secrets: new(redact.Set), task: "wait-tcp", err: err}
	if got, want := v.headline(), "wait-tcp: stopped by SIGTERM while waiting for db:5432 (exit code 143)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
