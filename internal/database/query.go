package database

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/fault"
)

// An Answer is the first row of what a query returned.
type Answer struct {
	Rows  bool     // whether there is one
	Value []string // its columns as text, "" for NULL

	// Server is the server and its version, such as "PostgreSQL 17.2", if the login
	// shows it; "" if that would take a query.
	Server string
}

// First logs in, runs query and returns its first row. query cannot change the
// database: it runs in a transaction that may only read. If query is "", First runs
// SELECT 1 without a transaction.
func (t *Target) First(ctx context.Context, query string) (Answer, error) {
	a, err := t.Client.First(ctx, query)
	switch v, _ := t.Verdict(err); {
	case query != "" && v.Is == WouldWrite:
		err = final("the query would change the database, which a wait does not", "ask with a SELECT").error(err)
	case query != "" && v.Is == SyntaxError:
		err = final("the server cannot read the query: it has an error of syntax", "try the query in a client of the database").error(err)
	}
	return a, t.Explain(ctx, err)
}

// Greet succeeds if the server accepts logins. It does not log in.
func (t *Target) Greet(ctx context.Context) error { return t.Explain(ctx, t.Client.Greet(ctx)) }

// FirstRow implements [Client.First] for a driver of package sql. If readOnly is not
// nil, it makes the connection refuse changes before query runs. FirstRow closes db.
func FirstRow(ctx context.Context, db *sql.DB, query string, readOnly func(context.Context, *sql.Conn) error) (a Answer, err error) {
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	if query != "" && readOnly != nil {
		if err := readOnly(ctx, conn); err != nil {
			return a, err
		}
	}
	rows, err := conn.QueryContext(ctx, cmp.Or(query, SelectOne))
	if err != nil {
		return a, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return a, err
	}
	if a.Rows = rows.Next(); a.Rows {
		values, into := make([]sql.NullString, len(names)), make([]any, len(names))
		for i := range values {
			into[i] = &values[i]
		}
		if err := rows.Scan(into...); err != nil {
			return a, err
		}
		for _, v := range values {
			a.Value = append(a.Value, v.String)
		}
	}
	return a, errors.Join(rows.Err(), rows.Close())
}

// SelectOne is the cheapest query.
const SelectOne = "SELECT 1"

// boundGrace is how much longer than ctx a query may run on the server. MySQL ends some
// queries as if they had succeeded: ctx must end before, so that nobody takes that for
// an answer.
const boundGrace = time.Second

// Bound returns how long a query may run on the server, in milliseconds, or 0 for no
// limit if ctx has no deadline. Without a limit there, a query runs on after the client
// has stopped waiting.
func Bound(ctx context.Context) (ms int64) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(time.Until(deadline)+boundGrace, boundGrace).Milliseconds()
}

// QuoteName returns the identifier made of parts, such as schema and table, in the
// dialect's quotes. It leaves out empty parts.
func (d *Dialect) QuoteName(parts ...string) string {
	var quoted []string
	for _, p := range parts {
		if p != "" {
			quoted = append(quoted, d.Quote+strings.ReplaceAll(p, d.Quote, d.Quote+d.Quote)+d.Quote)
		}
	}
	return strings.Join(quoted, ".")
}

// Version returns the version in table, which migrate and the golang-migrate tool
// write. found is false if there is no such table or it has no row.
func (t *Target) Version(ctx context.Context, schema, table string) (version string, dirty, found bool, err error) {
	a, err := t.First(ctx, "SELECT version, dirty FROM "+t.Parts.Dialect.QuoteName(schema, table)+" LIMIT 1")
	v, _ := t.Verdict(err)
	switch {
	case v.Is == NoSuchTable, err == nil && !a.Rows:
		return "", false, false, nil
	case err != nil:
		return "", false, false, err
	case len(a.Value) != 2:
		return "", false, false, fault.Finalf("the table %s is not golang-migrate's", table)
	}
	d := a.Value[1]
	return a.Value[0], d == "t" || d == "1" || d == "true", true, nil
}
