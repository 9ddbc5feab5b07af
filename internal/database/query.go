package database

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	sqlite "modernc.org/sqlite"

	"github.com/initbox/initbox/internal/fault"
)

// An Answer is the first row of what a query returned.
type Answer struct {
	Rows  bool     // there is one
	Value []string // its columns as text, NULL being ""

	// Server is the version of PostgreSQL, which tells it with the login; MySQL's
	// driver keeps it to itself.
	Server string
}

// First logs in, asks query and returns its first row. query cannot change the
// database: it runs in a transaction that may only read. With "" it is
// SELECT 1, without a transaction.
func (t *Target) First(ctx context.Context, query string) (Answer, error) {
	var a Answer
	var err error
	switch t.Driver {
	case Postgres:
		a, err = t.firstPostgres(ctx, query)
	case MySQL:
		a, err = t.firstSQL(ctx, query, func() (*sql.DB, error) { return t.MySQL() })
	default:
		a, err = t.firstSQL(ctx, query, func() (*sql.DB, error) { return t.SQLite(SQLiteReadOnly, nil) })
	}
	if query != "" && err != nil {
		err = explainQuery(err)
	}
	return a, t.explain(ctx, err)
}

const selectOne = "SELECT 1"

func (t *Target) firstPostgres(ctx context.Context, query string) (a Answer, err error) {
	conn, err := t.Postgres(ctx)
	if err != nil {
		return a, err
	}
	defer func() { _ = conn.Close(ctx) }()
	a.Server, _, _ = strings.Cut(conn.ParameterStatus("server_version"), " ") // what follows is who built it
	if query == "" {
		query = selectOne
	} else if _, err := conn.Exec(ctx, "START TRANSACTION READ ONLY"+boundPostgres(ctx)).ReadAll(); err != nil {
		return a, err
	}
	rows := conn.ExecParams(ctx, query, nil, nil, nil, nil)
	if rows.NextRow() {
		a.Rows = true
		for _, v := range rows.Values() {
			a.Value = append(a.Value, string(v))
		}
	}
	_, err = rows.Close()
	return a, err
}

func (t *Target) firstSQL(ctx context.Context, query string, open func() (*sql.DB, error)) (a Answer, err error) {
	db, err := open()
	if err != nil {
		return a, err
	}
	defer db.Close()
	conn, err := db.Conn(ctx)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	if query == "" {
		query = selectOne
	} else if t.Driver == MySQL { // the file of SQLite is opened for reading only
		if err := boundMySQL(ctx, conn); err != nil {
			return a, err
		}
		if _, err := conn.ExecContext(ctx, "START TRANSACTION READ ONLY"); err != nil {
			return a, err
		}
	}
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return a, err
	}
	defer rows.Close()
	if rows.Next() {
		if a, err = scan(rows); err != nil {
			return a, err
		}
	}
	return a, errors.Join(rows.Err(), rows.Close())
}

// boundGrace is how much longer than ctx a query may run on the server: MySQL ends
// some as if they had succeeded, which nobody must be there to see.
const boundGrace = time.Second

// bound returns how long a query may run on the server, in milliseconds, if ctx
// has an end.
func bound(ctx context.Context) (ms int64, ok bool) {
	deadline, ok := ctx.Deadline()
	return max(time.Until(deadline)+boundGrace, boundGrace).Milliseconds(), ok
}

// boundPostgres makes the server end by itself what still runs at the end of ctx.
// pgconn asks it to cancel the query, but a request that comes before the query
// has begun is lost.
func boundPostgres(ctx context.Context) string {
	ms, ok := bound(ctx)
	if !ok {
		return ""
	}
	return fmt.Sprintf("; SET LOCAL statement_timeout = %d", ms)
}

// boundMySQL does the same there. The library only closes the connection, which
// the server does not look at while it works: queries of one attempt after the
// other would pile up.
func boundMySQL(ctx context.Context, conn *sql.Conn) error {
	ms, ok := bound(ctx)
	if !ok {
		return nil
	}
	// MariaDB leaves out what is for MySQL 5.7.8, which leaves out what is for MariaDB.
	_, err := conn.ExecContext(ctx, fmt.Sprintf("SET @initbox = 1 /*M!100101 , SESSION max_statement_time = %d.%03d */ /*!50708 , SESSION max_execution_time = %d */", ms/1000, ms%1000, ms))
	if refused := (*mysql.MySQLError)(nil); errors.As(err, &refused) {
		return nil // a server, or a proxy before it, that cannot do it
	}
	return err
}

func scan(rows *sql.Rows) (Answer, error) {
	names, err := rows.Columns()
	if err != nil {
		return Answer{}, err
	}
	values, into := make([]sql.NullString, len(names)), make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	a := Answer{Rows: true}
	err = rows.Scan(into...)
	for _, v := range values {
		a.Value = append(a.Value, v.String)
	}
	return a, err
}

// Codes of errors that a query alone is to blame for.
const (
	postgresReadOnly       = "25006"
	postgresSyntaxError    = "42601"
	postgresUndefinedTable = "42P01"
	mysqlReadOnly          = 1792
	mysqlNoSuchTable       = 1146
)

// explainQuery is for an error of a query that only reads.
func explainQuery(err error) error {
	var (
		pgErr      *pgconn.PgError
		myErr      *mysql.MySQLError
		liteErr    *sqlite.Error
		code       string
		number     uint16
		lite, text = 0, err.Error()
	)
	switch {
	case errors.As(err, &pgErr):
		code = pgErr.Code
	case errors.As(err, &myErr):
		number = myErr.Number
	case errors.As(err, &liteErr):
		lite = liteErr.Code() & 0xff
	}
	switch {
	case code == postgresReadOnly, number == mysqlReadOnly, lite == sqliteReadOnly:
		return verdict{true, "ask with a SELECT"}.apply(err, "the query would change the database, which a wait does not")
	case code == postgresSyntaxError, number == mysqlSyntaxError, lite != 0 && strings.Contains(text, "syntax error"):
		return verdict{true, "try the query in a client of the database"}.apply(err, "the server cannot read the query: it has an error of syntax")
	}
	return err
}

// Missing reports whether err says that a table is not there.
func Missing(err error) bool {
	var (
		pgErr   *pgconn.PgError
		myErr   *mysql.MySQLError
		liteErr *sqlite.Error
	)
	switch {
	case errors.As(err, &pgErr):
		return pgErr.Code == postgresUndefinedTable
	case errors.As(err, &myErr):
		return myErr.Number == mysqlNoSuchTable
	case errors.As(err, &liteErr):
		return strings.Contains(liteErr.Error(), "no such table")
	}
	return false
}

// Quote returns the identifier made of parts, such as schema and table, in the
// quotes of the database. Empty parts are left out.
func (t *Target) Quote(parts ...string) string {
	quote := `"`
	if t.Driver == MySQL {
		quote = "`"
	}
	var quoted []string
	for _, p := range parts {
		if p != "" {
			quoted = append(quoted, quote+strings.ReplaceAll(p, quote, quote+quote)+quote)
		}
	}
	return strings.Join(quoted, ".")
}

// Version returns the version that the golang-migrate tool, and migrate, keep in
// table. found is false while there is no such table, or no row in it.
func (t *Target) Version(ctx context.Context, schema, table string) (version string, dirty, found bool, err error) {
	a, err := t.First(ctx, "SELECT version, dirty FROM "+t.Quote(schema, table)+" LIMIT 1")
	switch {
	case Missing(err), err == nil && !a.Rows:
		return "", false, false, nil
	case err != nil:
		return "", false, false, err
	case len(a.Value) != 2:
		return "", false, false, fault.Finalf("the table %s is not golang-migrate's", table)
	}
	d := a.Value[1]
	return a.Value[0], d == "t" || d == "1" || d == "true", true, nil
}
