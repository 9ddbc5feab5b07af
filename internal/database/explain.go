package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"strings"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/network/dial"
)

// Explain explains why a connection or a statement failed, without the text that
// drivers add, secrets and the text of statements. ctx is the context of the attempt.
// The error is permanent if no retry can fix it: a wrong password, an unknown
// database, a certificate. errors.As still finds the driver's error.
//
// A driver may try several times in one attempt, with TLS and without. A retry helps
// if it helps one of these tries. Otherwise the last try counts, which got furthest.
func (t *Target) Explain(ctx context.Context, err error) error {
	var explained error
	for _, try := range tries(err) {
		if explained = t.explainTry(ctx, try); !fault.Permanent(explained) {
			break
		}
	}
	return explained
}

// tries returns the errors that err joins, or err alone.
func tries(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if many, ok := e.(interface{ Unwrap() []error }); ok {
			return many.Unwrap()
		}
	}
	return []error{err}
}

func (t *Target) explainTry(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if explained, ok := errors.AsType[*fault.Error](err); ok {
		return explained
	}
	v, known := t.Verdict(err)
	if !known {
		v, known = explainTLS(err)
	}
	timeout, _ := errors.AsType[net.Error](err)
	switch {
	case known:
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), timeout != nil && timeout.Timeout(), ctx.Err() != nil:
		v = Verdict{Text: "the server accepts the connection but does not answer in time",
			Next: "the server hangs or is overloaded: look at its log, and check that the port is the database's"}
	case t.Lost(err):
		v = Verdict{Text: "the server, or a proxy before it, closed the connection",
			Next: "look at the log of the server and of what stands before it (a service mesh, PgBouncer, a load balancer)"}
	default:
		v.Text = Root(err).Error()
	}
	return v.error(err)
}

// Verdict returns the dialect's verdict on err. known is false if err is not from the
// database.
func (t *Target) Verdict(err error) (v Verdict, known bool) {
	v, known = t.Parts.Dialect.Explain(err)
	if v.Is == WrongPassword && t.Parts.Password == "" {
		v.Next = "no password was given: give --db-password-file, or put one into the URL"
	}
	return v, known
}

// error returns v as an error that still wraps the driver's error.
func (v Verdict) error(cause error) error {
	kind := fault.Failed
	if v.Final {
		kind = fault.Final
	}
	return &fault.Error{Kind: kind, Err: fault.Reword(cause, v.Text), Next: v.Next}
}

// Root returns the innermost error, and of joined errors the last. The errors around
// it repeat the settings.
func Root(err error) error {
	for {
		next := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			next = many.Unwrap()[len(many.Unwrap())-1]
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// Lost reports whether err means that the connection was lost or that the server is
// shutting down, so that a new connection may succeed.
func (t *Target) Lost(err error) bool {
	if v, known := t.Verdict(err); err == nil || known {
		return v.Is == ConnectionLost
	}
	return dial.Closed(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, t.Parts.Dialect.ErrClosed) || strings.Contains(Root(err).Error(), "unexpected EOF")
}
