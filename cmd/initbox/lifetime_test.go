package main

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// Run returns within 100 ms after its context is done, unless the machine is busy.
func testCancel(t *testing.T, spec tasks.Spec, f fixture) {
	const bound = 100 * time.Millisecond
	expand, _ := world(t, f)
	took := testtime.Best(bound, func() time.Duration {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if err := configure(t, spec, expand(f.done)).Run(ctx, newEnv(t, false)); err == nil {
			t.Error("no error although the context was done from the start")
		}
		return time.Since(start)
	})
	if took > bound {
		t.Errorf("returned after %v although the context was done from the start", took)
	}
	if f.blocked == nil {
		return
	}
	took = testtime.Best(bound, func() time.Duration {
		ended, err := runBlocked(t, spec, expand(f.blocked))
		if err == nil {
			t.Error("no error although the run could not be done")
		}
		return time.Since(ended)
	})
	if took > bound {
		t.Errorf("returned %v after the end of its context", took)
	}
}

// runBlocked cancels a run a moment after it has begun to wait, and returns the time of that.
func runBlocked(t *testing.T, spec tasks.Spec, args []string) (ended time.Time, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	env, log := newLoggedEnv(t, false)
	at := make(chan time.Time, 1)
	log.When("msg=waiting", func() {
		time.Sleep(200 * time.Millisecond)
		at <- time.Now()
		cancel()
	})
	err = configure(t, spec, args).Run(ctx, env)
	select {
	case ended = <-at:
	default:
		t.Fatalf("it ended before it was told to: %v", err)
	}
	return ended, err
}

// No goroutine and no file descriptor outlives Run, done or cancelled.
func testLeaks(t *testing.T, spec tasks.Spec, f fixture) {
	expand, _ := world(t, f)
	for _, run := range []func(){
		func() { _ = configure(t, spec, expand(f.done)).Run(t.Context(), newEnv(t, false)) },
		func() {
			if f.blocked != nil {
				_, _ = runBlocked(t, spec, expand(f.blocked))
			}
		},
	} {
		run() // the first run may start what the process keeps, such as the resolver's
		fds := descriptors(t)
		run()
		for deadline := time.Now().Add(testtime.Patience / 4); ; time.Sleep(10 * time.Millisecond) {
			stacks := leaked()
			more := descriptors(t) - fds
			if stacks == "" && more <= 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("left behind: %d descriptors, goroutines:\n%s", more, stacks)
			}
		}
	}
}

// leaked returns the stacks of goroutines that run code of a task.
func leaked() string {
	buf := make([]byte, 1<<20)
	var found []string
	for _, stack := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		task := strings.Contains(stack, "initbox/tasks") || strings.Contains(stack, "initbox/internal/")
		if task && !strings.Contains(stack, "testkit/testnet") && !strings.Contains(stack, "main.leaked") {
			found = append(found, stack)
		}
	}
	return strings.Join(found, "\n\n")
}

// descriptors counts the open files of the process, sockets included.
func descriptors(t *testing.T) int {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(entries)
}
