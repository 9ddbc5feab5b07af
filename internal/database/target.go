package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/tasks"
)

// A Target is one database to connect to.
type Target struct {
	Name   string // without secrets: "postgres://db:5432/app as app"
	Pod    string // the name that connections give to the server
	Parts  *Parts
	Client Client // of the dialect

	dialer *dial.Dialer
}

// Target reads the files that o names, all in the same version, and returns the
// database. It adds secrets to env. Its errors are of kind [fault.Usage].
func (o *Options) Target(ctx context.Context, env *tasks.Env) (t *Target, err error) {
	err = mount.OneVersion(ctx, func(files *mount.Reader) error {
		t, err = o.target(env, files)
		return err
	})
	if err != nil && !fault.Permanent(err) {
		err = fault.Usagef("%w", err)
	}
	return t, err
}

func (o *Options) target(env *tasks.Env, files *mount.Reader) (*Target, error) {
	url, from := o.url()
	if o.URLFile != "" {
		var err error
		if url, err = files.Secret("database-file", o.URLFile); err != nil {
			return nil, err
		}
		from = "--database-file " + o.URLFile
	}
	p, err := o.parts(url, from)
	if err != nil {
		return nil, err
	}
	if o.PasswordFile != "" {
		if p.Password, err = files.Secret("db-password-file", o.PasswordFile); err != nil {
			return nil, err
		}
	}
	hide(env, p.Password)
	hide(env, p.Params["sslpassword"])
	t := &Target{Pod: cmp.Or(env.Pod, "initbox"), Parts: p, dialer: &dial.Dialer{Resolver: o.Resolver}}
	t.Client, err = p.Dialect.Configure(t, o, files)
	hide(env, t.Parts.Password) // the environment may have had it
	t.Name = cmp.Or(t.Name, t.Parts.String())
	return t, err
}

// hide keeps secret out of all output, in every form that it may have in a URL.
func hide(env *tasks.Env, secret string) {
	env.Secrets.Add(secret)
	env.Secrets.Add(url.PathEscape(secret))
	env.Secrets.Add(url.QueryEscape(secret))
	env.Secrets.Add(strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"))
	_, escaped, _ := strings.Cut(url.UserPassword("", secret).String(), ":")
	env.Secrets.Add(escaped)
}

// Dial is the [DialFunc] for drivers.
func (t *Target) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	a := dial.Address{Network: "unix", Path: address}
	if network != "unix" {
		var err error
		if a, err = dial.ParseAddress(address); err != nil {
			return nil, fault.Usagef("host of the database %w", err)
		}
	}
	conn, err := t.dialer.Dial(ctx, a)
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetKeepAliveConfig(keepAlive)
	}
	return conn, err
}

// Converse connects to h and calls talk, whose reads and writes fail after ctx ends.
func (t *Target) Converse(ctx context.Context, h Host, talk func(net.Conn) error) error {
	network, address := h.Address()
	conn, err := t.Dial(ctx, network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	return talk(conn)
}

// keepAlive detects within 20 seconds that a server has vanished, also while a
// statement runs and nothing is sent.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

// attemptTimeout is the limit for one attempt to connect and log in.
const attemptTimeout = 10 * time.Second

// Connect calls open, which connects through t.Client, until that succeeds or ctx
// ends. It explains errors of open. A dry-run tries once, and fails if that fails.
func Connect[C any](ctx context.Context, env *tasks.Env, t *Target, open func(context.Context) (C, error)) (C, error) {
	var conn C
	failure := errors.New("not tried")
	env.Doing("waiting for " + t.Name)
	err := env.Poll(ctx, tasks.Poll{Target: t.Name, AttemptTimeout: attemptTimeout}, func(ctx context.Context) error {
		conn, failure = open(ctx)
		failure = t.Explain(ctx, failure)
		return failure
	})
	if err == nil {
		err = failure // in a dry-run Poll returns nil although the attempt failed
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", t.Name, err)
	}
	return conn, err
}
