package waittcp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

const patience = testtime.Patience

// run waits for targets with the configuration that configure makes.
func run(t *testing.T, timeout time.Duration, configure func(*Task), targets ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return runWith(ctx, t, new(testlog.Buffer), configure, targets...)
}

func runWith(ctx context.Context, t *testing.T, log *testlog.Buffer, configure func(*Task), targets ...string) error {
	t.Helper()
	task := New()
	task.Targets = targets
	if configure != nil {
		configure(task)
	}
	if err := task.Check(); err != nil {
		t.Fatalf("Check: %v", err)
	}
	err := task.Run(ctx, tasks.NewEnv(slog.New(slog.NewTextHandler(log, nil)), io.Discard, false))
	t.Logf("%v\n%s", err, log)
	return err
}

// wantNotReady waits for target until a deadline, and checks the error.
func wantNotReady(t *testing.T, configure func(*Task), target, words string) {
	t.Helper()
	wantWords(t, testtime.Explained(func(timeout time.Duration) error { return run(t, timeout, configure, target) }, words), words)
}

func wantWords(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want an error with %q", err, words)
	}
}

func TestReady(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "x.sock")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	v6 := testnet.Listen(t, "::1")
	for _, target := range []string{testnet.Open(t), v6.Addr().String(), "tcp://" + testnet.Open(t), "unix://" + sock} {
		if err := run(t, patience, nil, target); err != nil {
			t.Errorf("%s: %v", target, err)
		}
	}
}

func TestOpensLate(t *testing.T) {
	if err := run(t, patience, nil, testnet.Late(t, 200*time.Millisecond), testnet.Late(t, 100*time.Millisecond), testnet.Open(t)); err != nil {
		t.Error(err)
	}
}

func TestNotReady(t *testing.T) {
	closed := testnet.Closed(t)
	tcp, unix := closed+": connection refused", "unix:///nosuch.sock: there is no socket"
	err := testtime.Explained(func(timeout time.Duration) error {
		return run(t, timeout, nil, testnet.Open(t), closed, "unix:///nosuch.sock")
	}, tcp, unix)
	wantWords(t, err, tcp)
	wantWords(t, err, unix)
	if tasks.NextOf(err) == "" {
		t.Error("no next step")
	}
}

func TestAny(t *testing.T) {
	any := func(task *Task) { task.Any = true }
	if err := run(t, patience, any, testnet.Closed(t), testnet.Late(t, 50*time.Millisecond)); err != nil {
		t.Error(err)
	}
	err := testtime.Explained(func(timeout time.Duration) error {
		return run(t, timeout, any, testnet.Closed(t), testnet.Closed(t))
	}, "refused")
	wantWords(t, err, "refused")
}

// A dropped SYN is sent again after a second; other attempts see the open port
// long before that.
func TestHangingAttemptsDelayNothing(t *testing.T) {
	const bound = 700 * time.Millisecond
	late := testtime.Best(bound, func() time.Duration {
		hole := testnet.NewBlackhole(t)
		opened := make(chan time.Time, 1)
		time.AfterFunc(300*time.Millisecond, func() {
			opened <- time.Now()
			hole.Accept(t)
		})
		if err := run(t, patience, func(task *Task) { task.AttemptTimeout = 10 * time.Second }, hole.Addr); err != nil {
			t.Fatal(err)
		}
		return time.Since(<-opened)
	})
	if late > bound {
		t.Errorf("seen %v after it opened", late)
	}
}

func TestBlackhole(t *testing.T) {
	hole := testnet.NewBlackhole(t)
	wantNotReady(t, func(task *Task) { task.AttemptTimeout = 50 * time.Millisecond }, hole.Addr, "no answer from "+hole.Addr+" in time")
}

// An attempt ends before the deadline, or there would be no cause to report.
func TestDeadlineBelowAttemptTimeout(t *testing.T) {
	wantNotReady(t, func(task *Task) { task.AttemptTimeout = time.Hour }, testnet.NewBlackhole(t).Addr, "no answer from")
}

func TestHold(t *testing.T) {
	hold := func(task *Task) { task.Hold = 50 * time.Millisecond }
	if err := run(t, patience, hold, testnet.Open(t)); err != nil {
		t.Error(err)
	}

	// A server that sends first.
	greets := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, greets, func(c net.Conn) { _, _ = c.Write(bytes.Repeat([]byte("220 hello\r\n"), 1000)) })
	if err := run(t, patience, hold, greets.Addr().String()); err != nil {
		t.Error(err)
	}
}

// Servers that close the connection too early, one of them after a goodbye.
func TestNotHeld(t *testing.T) {
	leaves := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, leaves, func(c net.Conn) { _, _ = c.Write([]byte("busy\n")); c.Close() })
	for target, words := range map[string]string{
		testnet.Reset(t):       "accepted the connection and closed it at once",
		leaves.Addr().String(): "accepted the connection and closed it",
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var log testlog.Buffer
		log.When(words, cancel)
		err := runWith(ctx, t, &log, func(task *Task) { task.Hold = patience }, target)
		cancel()
		wantWords(t, err, words)
	}
}

func TestHoldLongerThanTheDeadline(t *testing.T) {
	err := run(t, patience, func(task *Task) { task.Hold = patience + time.Second }, testnet.Open(t))
	if tasks.KindOf(err) != tasks.Usage {
		t.Errorf("got %v, want an error in usage", err)
	}
}

func TestHoldLongerThanAnAttempt(t *testing.T) {
	err := run(t, patience, func(task *Task) { task.Hold, task.AttemptTimeout = 300*time.Millisecond, 50*time.Millisecond }, testnet.Open(t))
	if err != nil {
		t.Error(err)
	}
}

func TestSuccesses(t *testing.T) {
	l := testnet.Listen(t, "127.0.0.1")
	accepted := make(chan struct{}, 100)
	testnet.Serve(t, l, func(net.Conn) { accepted <- struct{}{} })
	if err := run(t, patience, func(task *Task) { task.Successes = 3 }, l.Addr().String()); err != nil {
		t.Error(err)
	}
	for i := range 3 {
		select {
		case <-accepted:
		case <-time.After(patience):
			t.Fatalf("%d connections", i)
		}
	}
}

// The server must see the end of every connection.
func TestConnectionsAreClosed(t *testing.T) {
	l := testnet.Listen(t, "127.0.0.1")
	ended := make(chan error, 16)
	testnet.Serve(t, l, func(c net.Conn) {
		_, err := c.Read(make([]byte, 1))
		ended <- err
	})
	if err := run(t, patience, func(task *Task) { task.Successes = 2 }, l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		select {
		case err := <-ended:
			if !errors.Is(err, io.EOF) {
				t.Errorf("the server saw %v, want an orderly end", err)
			}
		case <-time.After(patience):
			t.Fatal("the connection is still open")
		}
	}
}

func TestInvert(t *testing.T) {
	invert := func(task *Task) { task.Invert = true }
	if err := run(t, patience, invert, testnet.Closed(t), "unix:///nosuch.sock"); err != nil {
		t.Error(err)
	}
	open := testnet.Open(t)
	wantNotReady(t, invert, open, open+" still accepts connections")

	l := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, l, func(net.Conn) {})
	time.AfterFunc(100*time.Millisecond, func() { l.Close() })
	if err := run(t, patience, invert, l.Addr().String()); err != nil {
		t.Errorf("after it closed: %v", err)
	}

	dns := testnet.NewDNS(t)
	wantNotReady(t, func(task *Task) { task.Invert, task.Resolver = true, dns.Resolver() }, "gone.test:80", "does not resolve")
}

// If the name has several addresses, --invert waits until none of them listens.
func TestInvertAllAddresses(t *testing.T) {
	dns := testnet.NewDNS(t)
	_, port, _ := net.SplitHostPort(testnet.Open(t))
	dns.Set("two.test", "127.0.0.2", "127.0.0.1")
	wantNotReady(t, func(task *Task) { task.Invert, task.Resolver = true, dns.Resolver() }, "two.test:"+port, "still accepts connections")
}

func TestNameAppearsLate(t *testing.T) {
	dns := testnet.NewDNS(t)
	_, port, _ := net.SplitHostPort(testnet.Open(t))
	time.AfterFunc(200*time.Millisecond, func() { dns.Set("db.test", "127.0.0.1") })
	resolver := func(task *Task) { task.Resolver = dns.Resolver() }
	if err := run(t, patience, resolver, "db.test:"+port); err != nil {
		t.Error(err)
	}
	wantNotReady(t, resolver, "nosuch.test:"+port, "nosuch.test:"+port+": the name nosuch.test does not resolve: no such host")
}

// The socket of a dead server.
func TestStaleSocket(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "x.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if _, err := os.Stat(sock); err != nil {
		t.Fatal(err)
	}
	wantNotReady(t, nil, "unix://"+sock, "nobody listens")
}

func TestDryRunProbesOnce(t *testing.T) {
	l := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, l, func(net.Conn) {})
	var log bytes.Buffer
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(&log, nil)), io.Discard, true)
	task := New()
	task.Targets = []string{l.Addr().String(), testnet.Closed(t)}
	task.Successes = 5
	if err := task.Run(t.Context(), env); err != nil {
		t.Error(err)
	}
	for _, want := range []string{"ready now, would not wait", "not ready now, would wait", "connection refused"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, &log)
		}
	}
	if n := strings.Count(log.String(), "\n"); n != 2 {
		t.Errorf("%d lines for two targets:\n%s", n, &log)
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		task Task
		want []string
	}{
		{Task{}, []string{"no target"}},
		{Task{Targets: []string{"db:99999", "db"}}, []string{`target "db:99999": the port is not from 1 to 65535`, `target "db": it has no port`}},
		{Task{Targets: []string{"db:1"}, Invert: true, Hold: 1}, []string{"--invert and --hold exclude each other"}},
	} {
		err := c.task.Check()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		}
	}
}
