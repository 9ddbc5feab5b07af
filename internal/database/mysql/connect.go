package mysql

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
)

// Open returns a database, each connection of which logs in. It does not connect yet.
// adjust may change a copy of the configuration first. The caller closes the database.
// Errors of logins are explained.
func (c *Client) Open(adjust ...func(*mysql.Config)) (*sql.DB, error) {
	config := c.config.Clone()
	for _, f := range adjust {
		f(config)
	}
	if _, err := mysql.NewConnector(config); err != nil {
		return nil, fault.Usagef("the settings for MySQL are not usable: %w", err)
	}
	return sql.OpenDB(&connector{c.target, config}), nil
}

// A connector explains why a connection fails.
type connector struct {
	target *database.Target
	config *mysql.Config
}

func (c *connector) Driver() driver.Driver { return mysql.MySQLDriver{} }

func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	config, logged := c.config.Clone(), new(firstLogged)
	config.Logger = logged
	var end func()
	config.DialFunc, end = database.WatchLogin(c.config.DialFunc)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err == nil {
		end()
		return conn, nil
	}
	_, refused := errors.AsType[*mysql.MySQLError](err)
	_, explained := errors.AsType[*fault.Error](err)
	if !refused && !explained && ctx.Err() == nil {
		if cause := logged.err.Load(); cause != nil {
			err = *cause
		}
		if errors.Is(err, driver.ErrBadConn) { // package sql would try again, which the caller decides
			err = mysql.ErrInvalidConn
		}
	}
	return nil, c.target.Explain(ctx, err)
}

// A firstLogged keeps the first error that the driver logs, which says more than the
// error that it then returns.
type firstLogged struct{ err atomic.Pointer[error] }

// Print implements [mysql.Logger].
func (l *firstLogged) Print(values ...any) {
	for _, v := range values {
		if err, ok := v.(error); ok {
			l.err.CompareAndSwap(nil, &err)
		}
	}
}

// First implements [database.Client].
func (c *Client) First(ctx context.Context, query string) (database.Answer, error) {
	db, err := c.Open()
	if err != nil {
		return database.Answer{}, err
	}
	return database.FirstRow(ctx, db, query, readOnly)
}

// readOnly begins a transaction that may only read, and makes the server end a query
// that still runs at the end of ctx. The driver only closes the connection then, which
// a busy server does not notice: the queries of many attempts would pile up.
func readOnly(ctx context.Context, conn *sql.Conn) error {
	ms := database.Bound(ctx)
	// MariaDB skips the comment for MySQL 5.7.8, and MySQL the comment for MariaDB.
	_, err := conn.ExecContext(ctx, fmt.Sprintf("SET @initbox = 1 /*M!100101 , SESSION max_statement_time = %d.%03d */ /*!50708 , SESSION max_execution_time = %d */", ms/1000, ms%1000, ms))
	_, refused := errors.AsType[*mysql.MySQLError](err) // by a server or proxy that does not support it
	if err != nil && !refused {
		return err
	}
	_, err = conn.ExecContext(ctx, "START TRANSACTION READ ONLY")
	return err
}
