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
	return &driver{conn: conn, connect: connect, opts: o, schema: o.Schema, altered: true}, nil
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
	altered    bool   // the session is not set up for migrations, or a file has changed it
}

// Close implements migration.Driver.
func (d *driver) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond) // the server may be gone
	defer cancel()
	return d.conn.Close(ctx)
}

// query runs one statement and returns its rows; a NULL is "".
func (d *driver) query(ctx context.Context, sql string, params ...any) ([][]string, error) {
	result := d.conn.ExecParams(ctx, sql, values(params), nil, nil, nil).Read()
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
		v[i] = []byte(fmt.Sprint(p)) // of "" not nil, which would be NULL
	}
	return v
}

// exec runs statements in one round trip, as one transaction.
func (d *driver) exec(ctx context.Context, statements ...string) error {
	return d.conn.Exec(ctx, strings.Join(statements, ";\n")).Close()
}

// table returns the quoted name of the version table, or of one of the side tables.
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

// undefinedTable is an SQLSTATE; see the appendix of PostgreSQL's manual.
const undefinedTable = "42P01"

// refusesTransaction reports whether err says that a statement cannot run inside
// a transaction, or that it came to a COMMIT of its own in one.
func refusesTransaction(err error) bool {
	state := sqlState(err)
	return state == "25001" || state == "2D000" // active_sql_transaction, invalid_transaction_termination
}

// Repeat implements migration.Database.
func Repeat(err error) bool {
	state := sqlState(err)
	return state == "55P03" || state == "40P01" || state == "40001" // lock_not_available, deadlock_detected, serialization_failure
}
