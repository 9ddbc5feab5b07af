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
	Rows  bool     // there is one
	Value []string // its columns as text, NULL being ""

	// Server is the server and its version, such as "PostgreSQL 17.2", where the
	// login tells it; "" where it would have to be asked for.
	Server string
}

// First logs in, asks query and returns its first row. query cannot change the
// database: it runs in a transaction that may only read. With "" it is
// SELECT 1, without a transaction.
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

// Greet succeeds if the server takes logins, without logging in.
func (t *Target) Greet(ctx context.Context) error { return t.Explain(ctx, t.Client.Greet(ctx)) }

// FirstRow is the work of [Client.First] for a driver of package sql. readOnly,
// if there is one, makes the connection refuse changes for query. db is closed.
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
	if rows.Next() {
		a.Rows = true
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

// SelectOne is the least that a server of SQL can be asked.
const SelectOne = "SELECT 1"

// boundGrace is how much longer than ctx a query may run on the server: MySQL ends
// some as if they had succeeded, which nobody must be there to see.
const boundGrace = time.Second

// Bound returns how long a query may run on the server, in milliseconds, 0 for any
// time if ctx has no end. Who only stops waiting leaves the query to run there.
func Bound(ctx context.Context) (ms int64) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(time.Until(deadline)+boundGrace, boundGrace).Milliseconds()
}

// QuoteName returns the identifier made of parts, such as schema and table, in the
// quotes of the dialect. Empty parts are left out.
func (d *Dialect) QuoteName(parts ...string) string {
	var quoted []string
	for _, p := range parts {
		if p != "" {
			quoted = append(quoted, d.Quote+strings.ReplaceAll(p, d.Quote, d.Quote+d.Quote)+d.Quote)
		}
	}
	return strings.Join(quoted, ".")
}

// Version returns the version that the golang-migrate tool, and migrate, keep in
// table. found is false while there is no such table, or no row in it.
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
