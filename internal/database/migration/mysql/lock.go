package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4/database"

	"github.com/initbox/initbox/internal/database/migration/records"
)

// findLocks works out the locks of golang-migrate. It hashes the name of the
// database as its URL, or the program that uses it as a library, has it, or else as
// the server has it, which on some platforms is in lower case.
func (d *driver) findLocks(current string) error {
	for _, name := range []string{d.database, current} {
		id, err := database.GenerateAdvisoryLockId(name + ":" + d.opts.Table)
		if err != nil {
			return err
		}
		if !slices.Contains(d.locks, id) {
			d.locks = append(d.locks, id)
		}
	}
	return nil
}

// TryLock implements migration.Driver. The first lock is waited for for a second,
// inside the server, so that those who wait get it in turn.
func (d *driver) TryLock(ctx context.Context) (bool, error) {
	if d.id == 0 {
		if err := d.configure(ctx); err != nil {
			return false, err
		}
	}
	for i, name := range d.locks {
		seconds := 0
		if i == 0 {
			seconds = 1
		}
		var got sql.NullBool
		if err := d.conn.QueryRowContext(ctx, "SELECT GET_LOCK(?, ?)", name, seconds).Scan(&got); err != nil {
			return false, err
		}
		if !got.Bool {
			return false, d.release(ctx, d.locks[:i])
		}
	}
	return true, nil
}

// Unlock implements migration.Driver.
func (d *driver) Unlock(ctx context.Context) error { return d.release(ctx, d.locks) }

func (d *driver) release(ctx context.Context, names []string) error {
	for _, name := range names {
		if err := d.exec(ctx, "DO RELEASE_LOCK(?)", name); err != nil {
			return err
		}
	}
	return nil
}

// Holder implements migration.Driver. What the server does not tell this user is
// left out.
func (d *driver) Holder(ctx context.Context) (string, error) {
	var id sql.Null[uint64]
	for _, name := range d.locks {
		if err := d.conn.QueryRowContext(ctx, "SELECT IS_USED_LOCK(?)", name).Scan(&id); err != nil {
			return "", err
		}
		if id.Valid {
			break
		}
	}
	if !id.Valid {
		return "", nil
	}
	if d.holder != id.V {
		d.holder, d.holderSince = id.V, time.Now()
	}
	text := fmt.Sprintf("connection %d", id.V)
	var user, host, command string
	var seconds sql.NullInt64
	row := d.conn.QueryRowContext(ctx, "SELECT USER, HOST, COMMAND, TIME FROM information_schema.PROCESSLIST WHERE ID = ?", id.V)
	if row.Scan(&user, &host, &command, &seconds) == nil {
		text += fmt.Sprintf(" as %s from %s", user, host)
		if command == "Query" {
			text += fmt.Sprintf(", whose statement has been running for %ds", seconds.Int64)
		}
	}
	if who := d.nameOf(ctx, id.V); who != "" {
		text = who + " (" + text + ")"
	}
	return fmt.Sprintf("%s, seen for %s", text, time.Since(d.holderSince).Round(time.Second)), ctx.Err()
}

// nameOf returns how a session called itself as it connected, which MariaDB tells
// only with its performance_schema on, or what initbox wrote down of it.
func (d *driver) nameOf(ctx context.Context, id uint64) string {
	var names sql.NullString
	err := d.conn.QueryRowContext(ctx, `SELECT GROUP_CONCAT(ATTR_VALUE ORDER BY ATTR_NAME SEPARATOR ' of ')
		FROM performance_schema.session_connect_attrs WHERE PROCESSLIST_ID = ? AND ATTR_NAME IN ('pod_name', 'program_name')`, id).Scan(&names)
	if err == nil && names.String != "" {
		return names.String
	}
	// What is being done is recorded by a transaction that is not committed yet.
	if err := d.exec(ctx, "SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"); err != nil {
		return ""
	}
	var pod, file string
	err = d.conn.QueryRowContext(ctx, "SELECT pod, name FROM "+d.table(records.Progress)+" WHERE statement = 0 AND session = ?", id).Scan(&pod, &file)
	if err != nil || strings.TrimSpace(pod) == "" {
		return ""
	}
	return pod + " with " + file
}
