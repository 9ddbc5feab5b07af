package waittcp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/wait"
	"github.com/initbox/initbox/tasks"
)

// Spec is the task wait-tcp.
var Spec = tasks.Spec{
	Name:  "wait-tcp",
	Group: "wait",
	Doc: `wait until TCP ports or unix sockets accept connections

A target is HOST:PORT, [IPV6]:PORT, tcp://HOST:PORT or unix:///PATH. The task
waits for all targets at the same time. During the first half minute, it notices
an open port within 100 ms. Then the pace slows down to --max-interval, so that
many waiting pods do not overload a Service. A name that does not resolve yet is
tried again.

A proxy (Envoy, kube-proxy, docker-proxy) may accept a connection for a backend
that does not exist and close it at once. With --hold, the connection must stay
open for that long.

With --invert, the task waits until nothing listens anymore. Only a refused
connection or a missing socket counts, not a name that does not resolve.`,
	Args:    "target...",
	Timeout: 5 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "a database and a cache, for two minutes at most", Command: "initbox wait-tcp --timeout 2m postgres:5432 redis:6379"},
		{Doc: "behind a proxy that accepts before its backend is ready", Command: "initbox wait-tcp --hold 200ms postgres:5432"},
		{Doc: "one of several brokers", Command: "initbox wait-tcp --any kafka-0.kafka:9092 kafka-1.kafka:9092"},
		{Doc: "a sidecar's socket", Command: "initbox wait-tcp unix:///run/proxy/proxy.sock"},
		{Doc: "until the old instance no longer listens", Command: "initbox wait-tcp --invert legacy:8080"},
	},
	Container: `args: [wait-tcp, --timeout=2m, "postgres:5432", "redis:6379"]`,
	New:       func() tasks.Task { return New() },
}

// A Task waits for TCP ports and unix sockets.
type Task struct {
	wait.Options
	Targets  []string      // HOST:PORT, [IPV6]:PORT, tcp://HOST:PORT or unix:///PATH; at least one
	Hold     time.Duration // how long a connection must stay open to count; with 0 it need not
	Invert   bool          // wait until nothing listens
	Resolver *net.Resolver // for names; nil for the system's
}

// New returns a Task with its defaults.
func New() *Task { return &Task{Options: wait.Defaults(time.Second)} }

// overlap is how many attempts may be under way for one target: enough to keep the
// pace while each of them hangs for the default attempt timeout.
const overlap = 32

// Flags implements [tasks.Task].
func (t *Task) Flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&t.Targets, "target", t.Targets, "`address` to wait for: HOST:PORT, [IPV6]:PORT, tcp://HOST:PORT or unix:///PATH; repeatable")
	t.Options.Flags(fs)
	flags.Duration(fs, &t.Hold, "hold", 0, "how long a connection must stay open to count; with 0s it need not")
	fs.BoolVar(&t.Invert, "invert", t.Invert, "wait until nothing listens")
}

// Check implements [tasks.Task].
func (t *Task) Check() error {
	var errs []error
	if len(t.Targets) == 0 {
		errs = append(errs, errors.New("no target: name at least one, as in initbox wait-tcp postgres:5432"))
	}
	for _, s := range t.Targets {
		if _, err := dial.ParseAddress(s); err != nil {
			errs = append(errs, fmt.Errorf("target %w", err))
		}
	}
	if t.Invert && t.Hold > 0 {
		errs = append(errs, errors.New("--invert and --hold exclude each other: no connection can stay open when nothing listens"))
	}
	return errors.Join(errs...)
}

// Run implements [tasks.Task].
func (t *Task) Run(ctx context.Context, env *tasks.Env) error {
	if deadline, ok := ctx.Deadline(); ok && t.Hold > 0 && time.Until(deadline) <= t.Hold {
		return tasks.Usagef("--hold %s does not fit into the time until the deadline: raise --timeout", flags.FormatDuration(t.Hold))
	}
	dialer := &dial.Dialer{Resolver: t.Resolver}
	options := t.Fit(ctx)
	connect := options.AttemptTimeout
	options.AttemptTimeout += t.Hold
	targets := make([]wait.Target, len(t.Targets))
	for i, s := range t.Targets {
		a, err := dial.ParseAddress(s)
		if err != nil {
			return tasks.Usagef("target %w", err)
		}
		probe := func(ctx context.Context) error { return open(ctx, dialer, a, connect, t.Hold) }
		if t.Invert {
			probe = func(ctx context.Context) error { return closed(ctx, dialer, a) }
		}
		targets[i] = wait.Target{Name: a.String(), Probe: probe}
	}
	return options.All(ctx, env, overlap, targets)
}

// open succeeds if a accepts a connection within connect and keeps it open for stay.
func open(ctx context.Context, d *dial.Dialer, a dial.Address, connect, stay time.Duration) error {
	connecting, cancel := context.WithTimeout(ctx, connect)
	defer cancel()
	conn, err := d.Dial(connecting, a)
	if err != nil {
		return err
	}
	defer conn.Close()
	if stay == 0 {
		return nil
	}
	return hold(ctx, conn, stay)
}

// hold succeeds if the peer leaves conn open for d. It reads and discards what the
// peer sends, as databases and mail servers do.
func hold(ctx context.Context, conn net.Conn, d time.Duration) error {
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	conn.SetReadDeadline(time.Now().Add(d))
	if err := ctx.Err(); err != nil {
		return err
	}
	buf := make([]byte, 512)
	for {
		_, err := conn.Read(buf)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		default:
			return dial.Ended(conn, err)
		}
	}
}

// closed succeeds if nothing listens on any address of a.
func closed(ctx context.Context, d *dial.Dialer, a dial.Address) error {
	if a.Network == "unix" {
		return refused(d.Dial(ctx, a))
	}
	addrs, err := d.Lookup(ctx, a.Host)
	if err != nil {
		return err
	}
	for _, addr := range addrs {
		if err := refused(dial.DialAddr(ctx, addr, a.Port)); err != nil {
			return err
		}
	}
	return nil
}

// refused takes the result of a dial and returns nil if nothing listens there.
func refused(conn net.Conn, err error) error {
	switch {
	case err == nil:
		defer conn.Close()
		return tasks.WithNext(fmt.Errorf("%s still accepts connections", conn.RemoteAddr()), "look at what keeps the old server running: kubectl get pods")
	case errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.ENOENT):
		return nil
	default:
		return err
	}
}
