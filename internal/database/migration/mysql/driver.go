package mysql

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/fault"
)

// Options say where things are recorded and how long a statement may wait.
type Options struct {
	Table       string        // golang-migrate's
	LockTimeout time.Duration // of one statement, for metadata and rows; 0 for the server's
	Pod         string        // who it is, for others who wait
}

// Connect returns a database whose connections log in anew; adjust is to be
// called with their configuration.
type Connect func(adjust ...func(*mysql.Config)) (*sql.DB, error)

type driver struct {
	opts      Options
	pool      *sql.DB
	conn      *sql.Conn
	socket    net.Conn // of conn
	database  string   // as the URL names it
	id        uint64   // of the session; 0 before TryLock
	locks     []string
	compounds bool // the server takes compound statements, as MariaDB does

	touched    bool            // a file may have changed what is set in the session
	noProgress bool            // no progress is recorded
	current    *migration.Step // whose statements ran in this session
	tried      int             // how many of them have run, or begun to

	known map[int]bool // versions in the history
	row   bool         // the version table has its one row, which this session wrote

	holder      uint64 // session that has the lock
	holderSince time.Time
}

// Open connects once.
func Open(ctx context.Context, connect Connect, o Options) (migration.Driver, error) {
	d := &driver{opts: o}
	var first sync.Once
	pool, err := connect(func(c *mysql.Config) {
		dial := c.DialFunc
		c.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			first.Do(func() { d.socket = conn })
			return conn, err
		}
		d.database = c.DBName
		c.InterpolateParams = true // one round trip instead of three
		c.MultiStatements = false  // the server must see what the splitter saw
	})
	if err != nil {
		return nil, err
	}
	if d.database == "" {
		pool.Close()
		return nil, fault.Usagef("no name of a database: give --db-name, or put it into the URL as in mysql://USER@HOST/NAME")
	}
	d.pool = pool
	if d.conn, err = pool.Conn(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return d, nil
}

// Close implements migration.Driver.
func (d *driver) Close() error { return errors.Join(d.conn.Close(), d.pool.Close()) }

// table returns the quoted name of the version table, or of one beside it. The
// database is named because a file may USE another.
func (d *driver) table(suffix string) string {
	return quote(d.database) + "." + quote(d.opts.Table+suffix)
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// unquoted returns what is in quotes, if s has some.
func unquoted(s string) string {
	if s == "" || !strings.Contains("'\"`", s[:1]) || len(s) < 2 {
		return s
	}
	return strings.NewReplacer(`\`+s[:1], s[:1], s[:1]+s[:1], s[:1]).Replace(s[1 : len(s)-1])
}

// exec runs a statement of ours.
func (d *driver) exec(ctx context.Context, query string, args ...any) error {
	_, err := d.conn.ExecContext(ctx, query, args...)
	return err
}
