package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/database/migration/records"
)

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
