package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/initbox/initbox/internal/database"
)

// First implements [database.Client]. The server sends its version with the login.
func (c *Client) First(ctx context.Context, query string) (a database.Answer, err error) {
	conn, err := c.Connect(ctx)
	if err != nil {
		return a, err
	}
	defer func() { _ = conn.Close(ctx) }()
	version, _, _ := strings.Cut(conn.ParameterStatus("server_version"), " ") // the rest names the builder
	if version != "" {
		a.Server = "PostgreSQL " + version
	}
	if query != "" {
		// At the end of ctx pgconn asks the server to cancel the query, but the server
		// ignores that request if the query has not begun.
		begin := fmt.Sprintf("START TRANSACTION READ ONLY; SET LOCAL statement_timeout = %d", database.Bound(ctx))
		if _, err := conn.Exec(ctx, begin).ReadAll(); err != nil {
			return a, err
		}
	}
	rows := conn.ExecParams(ctx, cmp.Or(query, database.SelectOne), nil, nil, nil, nil)
	if rows.NextRow() {
		a.Rows = true
		for _, v := range rows.Values() {
			a.Value = append(a.Value, string(v))
		}
	}
	_, err = rows.Close()
	return a, err
}

// Greet succeeds if one of the hosts accepts logins. A server that is starting up or
// has no connection left says so instead of asking for credentials.
func (c *Client) Greet(ctx context.Context) error {
	var errs []error
	for _, h := range c.target.Parts.Hosts {
		err := c.target.Converse(ctx, h, c.greet)
		if err == nil {
			return nil
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func (c *Client) greet(conn net.Conn) error {
	f := pgproto3.NewFrontend(conn, conn)
	f.SetMaxBodyLen(1 << 16)
	f.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersion30, Parameters: map[string]string{"user": c.config.User, "database": c.config.Database}})
	if err := f.Flush(); err != nil {
		return err
	}
	message, err := f.Receive()
	if err != nil {
		return fmt.Errorf("no answer as of PostgreSQL: %w", err)
	}
	if e, ok := message.(*pgproto3.ErrorResponse); ok {
		if v, known := verdicts[e.Code]; known && !v.Final {
			return pgconn.ErrorResponseToPgError(e)
		}
		return nil // it refuses this login, not all of them
	}
	f.Send(&pgproto3.Terminate{})
	_ = f.Flush()
	return nil
}
