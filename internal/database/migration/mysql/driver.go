package mysql

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
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

	touched    bool         // a file may have changed what is set in the session
	noProgress bool         // no progress is recorded
	undone     *application // whose last statement has failed, and nothing is left of it

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

// sessionVariables are those that a file is likely to set. Each file begins with
// them as they were.
var sessionVariables = []string{
	"autocommit", "sql_mode", "foreign_key_checks", "unique_checks", "time_zone", "sql_notes", "sql_safe_updates",
	"character_set_client", "character_set_results", "collation_connection",
}

// idle is when the server ends a session that says nothing: that of a node that
// went down has the lock until then.
const idle = time.Minute

// reset makes the session what it was before a file that may have changed it.
func (d *driver) reset(ctx context.Context) error {
	if !d.touched {
		return nil
	}
	return d.configure(ctx)
}

// configure sets up the session.
func (d *driver) configure(ctx context.Context) error {
	if d.id == 0 {
		if err := d.identify(ctx); err != nil {
			return err
		}
	}
	set := []string{fmt.Sprintf("wait_timeout = %d", int(idle.Seconds()))}
	if d.opts.LockTimeout > 0 {
		seconds := int((d.opts.LockTimeout + time.Second - 1) / time.Second) // the server knows no less
		set = append(set, fmt.Sprintf("lock_wait_timeout = %d, innodb_lock_wait_timeout = %[1]d", seconds))
	}
	for _, v := range sessionVariables {
		set = append(set, v+" = @initbox_"+v)
	}
	if err := d.exec(ctx, "USE "+quote(d.database)); err != nil {
		return err
	}
	if err := d.exec(ctx, "SET SESSION "+strings.Join(set, ", ")); err != nil {
		return err
	}
	d.touched = false
	return nil
}

// identify asks what the session has from the server, and keeps it there.
func (d *driver) identify(ctx context.Context) error {
	var current sql.NullString
	var id uint64
	if err := d.conn.QueryRowContext(ctx, "SELECT CONNECTION_ID(), DATABASE()").Scan(&id, &current); err != nil {
		return err
	}
	keep := make([]string, len(sessionVariables))
	for i, v := range sessionVariables {
		keep[i] = "@initbox_" + v + " = @@" + v
	}
	set := records.Request{SQL: "SET " + strings.Join(keep, ", ")}
	err := d.exec(ctx, compound(set).SQL)
	if d.compounds = err == nil; number(err) != 0 { // also a proxy or firewall may refuse it, in its own words
		err = d.exec(ctx, set.SQL)
	}
	if err != nil {
		return err
	}
	d.id = id
	return d.findLocks(current.String)
}
