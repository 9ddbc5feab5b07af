package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database/migration"
)

// Options say where things are recorded and how long a statement may wait.
type Options struct {
	Schema      string        // of the tables, "" for the current one
	Table       string        // golang-migrate's
	LockTimeout time.Duration // of one statement, 0 for none
}

// Connect opens a connection; adjust is to be called with its configuration.
type Connect func(ctx context.Context, adjust ...func(*pgconn.Config)) (*pgconn.PgConn, error)

// Open connects once. The Driver may connect again to find out what stands
// between it and the server.
func Open(ctx context.Context, connect Connect, o Options) (migration.Driver, error) {
	conn, err := connect(ctx, cancelling)
	if err != nil {
		return nil, err
	}
	return &driver{conn: conn, connect: connect, opts: o, schema: o.Schema}, nil
}

// A driver is a migration.Driver.
type driver struct {
	conn    *pgconn.PgConn
	connect Connect
	opts    Options

	database   string // its name, which the lock depends on
	schema     string // of the tables
	backend    string // process id of the server
	unfinished string // file whose progress is recorded, "" for none
	configured bool   // the session is set up for migrations
	altered    bool   // a file has changed settings of the session
}

// Close implements migration.Driver.
func (d *driver) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return d.conn.Close(ctx)
}

// closeTimeout bounds the goodbye to a server that may be gone.
const closeTimeout = 500 * time.Millisecond

// query runs one statement and returns its rows; a NULL is "".
func (d *driver) query(ctx context.Context, sql string, params ...any) ([][]string, error) {
	return query(ctx, d.conn, sql, params...)
}

func query(ctx context.Context, conn *pgconn.PgConn, sql string, params ...any) ([][]string, error) {
	result := conn.ExecParams(ctx, sql, values(params), nil, nil, nil).Read()
	rows := make([][]string, len(result.Rows))
	for i, row := range result.Rows {
		for _, v := range row {
			rows[i] = append(rows[i], string(v))
		}
	}
	return rows, result.Err
}

func values(params []any) [][]byte {
	v := make([][]byte, len(params))
	for i, p := range params {
		v[i] = fmt.Append(nil, p)
	}
	return v
}

// exec runs statements in one round trip, as one transaction.
func (d *driver) exec(ctx context.Context, statements ...string) error {
	return d.conn.Exec(ctx, strings.Join(statements, ";\n")).Close()
}

// table returns the quoted name of golang-migrate's table with suffix behind it.
func (d *driver) table(suffix string) string {
	name := quote(d.opts.Table + suffix)
	if d.schema != "" {
		name = quote(d.schema) + "." + name
	}
	return name
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// sqlState returns the code of a server's error, or "".
func sqlState(err error) string {
	if e := (*pgconn.PgError)(nil); errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Codes that something is done about; see the appendix of PostgreSQL's manual.
const (
	undefinedTable     = "42P01"
	lockNotAvailable   = "55P03"
	deadlockDetected   = "40P01"
	serialization      = "40001"
	activeTransaction  = "25001"
	invalidTermination = "2D000"
)

// refusesTransaction reports whether err says that a statement cannot run inside
// a transaction, or that it came to a COMMIT of its own in one.
func refusesTransaction(err error) bool {
	return sqlState(err) == activeTransaction || sqlState(err) == invalidTermination
}

// Repeat implements migration.Database.
func Repeat(err error) bool {
	switch sqlState(err) {
	case lockNotAvailable, deadlockDetected, serialization:
		return true
	}
	return false
}
