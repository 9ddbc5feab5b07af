package database

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"sync"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/fault"
)

// A mysqlConnector makes connections whose failure says why.
type mysqlConnector struct {
	target *Target
	config *mysql.Config
}

func (c *mysqlConnector) Driver() driver.Driver { return mysql.MySQLDriver{} }

func (c *mysqlConnector) Connect(ctx context.Context) (driver.Conn, error) {
	config, noted := c.config.Clone(), new(note)
	config.Logger = noted
	var login *login
	config.DialFunc, login = watchLogin(c.config.DialFunc)
	connector, err := mysql.NewConnector(config)
	if err != nil {
		return nil, err
	}
	conn, err := connector.Connect(ctx)
	if err == nil {
		login.end()
		return conn, nil
	}
	var server *mysql.MySQLError
	var told *fault.Error
	if !errors.As(err, &server) && !errors.As(err, &told) && ctx.Err() == nil {
		err = cmp.Or(noted.get(), err)
		if errors.Is(err, driver.ErrBadConn) { // package sql would try again, which is for the caller to decide
			err = mysql.ErrInvalidConn
		}
	}
	return nil, c.target.explain(ctx, err)
}

// A note keeps the error that the driver logs where it returns another one.
type note struct {
	mu  sync.Mutex
	err error
}

// Print implements [mysql.Logger].
func (n *note) Print(values ...any) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, v := range values {
		if err, ok := v.(error); ok && n.err == nil {
			n.err = err
		}
	}
}

func (n *note) get() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.err
}
