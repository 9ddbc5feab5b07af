package database

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/tasks"
)

// A Target is one database to connect to.
type Target struct {
	Driver Driver
	Name   string // without secrets: "postgres://db:5432/app as app"
	Pod    string // how connections name themselves to the server: the pod's name
	Path   string // of the file, for SQLite

	postgres *pgconn.Config
	mysql    *mysql.Config
	dialer   *dial.Dialer
	place    *place
}

// Target reads the files that o names, all of one version, and returns the
// database. Secrets are given to env. Its errors are of kind [fault.Usage].
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
	p, err := o.place(url, from)
	if err != nil {
		return nil, err
	}
	if o.PasswordFile != "" {
		if p.password, err = files.Secret("db-password-file", o.PasswordFile); err != nil {
			return nil, err
		}
	}
	hide(env, p.password)
	hide(env, p.params["sslpassword"])
	t := &Target{Driver: p.driver, place: p, Pod: podName(), dialer: &dial.Dialer{Resolver: o.Resolver}}
	switch p.driver {
	case Postgres:
		err = t.configurePostgres(o, env, files)
	case MySQL:
		err = t.configureMySQL(o, files)
	case SQLite:
		t.Path = p.name
		err = t.checkSQLite(o)
	}
	t.Name = t.place.String()
	return t, err
}

// hide keeps secret out of all that is printed, in every form that it may have
// in a URL.
func hide(env *tasks.Env, secret string) {
	env.Secrets.Add(secret)
	env.Secrets.Add(url.PathEscape(secret))
	env.Secrets.Add(url.QueryEscape(secret))
	env.Secrets.Add(strings.ReplaceAll(url.QueryEscape(secret), "+", "%20"))
	_, escaped, _ := strings.Cut(url.UserPassword("", secret).String(), ":")
	env.Secrets.Add(escaped)
}

// podName is the host's name, which in a pod is the pod's.
func podName() string {
	name, err := os.Hostname()
	if err != nil {
		return "initbox"
	}
	return name
}

// dial connects to address, "HOST:PORT" or the path of a socket. Drivers call it.
func (t *Target) dial(ctx context.Context, network, address string) (net.Conn, error) {
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

// keepAlive finds a server that is gone within 20 seconds, also while a
// statement runs and nothing is sent.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 5 * time.Second, Interval: 5 * time.Second, Count: 3}

// Wait polls probe until the database is ready for it. It is for what needs a
// connection to begin its work; ctx bounds the wait.
func (t *Target) Wait(ctx context.Context, env *tasks.Env, probe func(context.Context) error) error {
	env.Doing("waiting for " + t.Name)
	err := env.Poll(ctx, tasks.Poll{Target: t.Name, AttemptTimeout: AttemptTimeout}, probe)
	if err != nil {
		return fmt.Errorf("%s: %w", t.Name, err)
	}
	return nil
}

// AttemptTimeout bounds one attempt to connect and log in.
const AttemptTimeout = 10 * time.Second

// Connect opens a connection with open, which is a method of t or wraps one, and
// waits within ctx until that succeeds. Errors of open are explained. A dry-run
// tries once, and fails if that fails.
func Connect[C any](ctx context.Context, env *tasks.Env, t *Target, open func(context.Context) (C, error)) (C, error) {
	var conn C
	failure := errors.New("not tried")
	err := t.Wait(ctx, env, func(ctx context.Context) error {
		conn, failure = open(ctx)
		failure = t.Explain(failure)
		return failure
	})
	if err == nil && failure != nil { // Poll forgives a dry-run
		err = fmt.Errorf("%s: %w", t.Name, failure)
	}
	return conn, err
}
