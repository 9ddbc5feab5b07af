package sqlite

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

func (d *driver) tables() records.Tables {
	return records.Tables{Name: d.table, Now: "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"}
}

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	return d.write(ctx, c, time.Time{}, func() error { return nil })
}

// write runs f and records c in one transaction.
func (d *driver) write(ctx context.Context, c migration.Change, begin time.Time, f func() error) error {
	next := d.seen
	if c.Version != nil {
		next = row{version: *c.Version}
	}
	return d.replace(ctx, next, func() error {
		if err := f(); err != nil {
			return err
		}
		return d.exec(ctx, d.tables().Changes(c, begin)...)
	})
}

// replace runs f, which writes next as the version row, in a transaction that
// first compares the row with what was planned for.
func (d *driver) replace(ctx context.Context, next row, f func() error) error {
	err := d.transact(ctx, func() error {
		now := row{version: migration.None}
		err := d.query(ctx, d.tables().Request(records.Version, "SELECT version, dirty FROM $TABLE LIMIT 1"), func() {}, &now.version, &now.dirty)
		switch {
		case err != nil:
			return err
		case now != d.seen:
			return errMoved
		}
		return f()
	})
	if err == nil {
		d.seen = next
	}
	return err
}

// transact runs f in a transaction that has SQLite's lock from the beginning.
func (d *driver) transact(ctx context.Context, f func() error) error {
	own := context.WithoutCancel(ctx) // once all is done, or failed, only the wait ends with ctx
	err := poll(ctx, func() error { return d.exec(ctx, records.Request{SQL: "BEGIN IMMEDIATE"}) })
	if err != nil {
		return err
	}
	if err = f(); err == nil { // those who read are waited for: in a rollback journal they are in the way
		err = poll(ctx, func() error { return d.exec(own, records.Request{SQL: "COMMIT"}) })
	}
	if err != nil { // if it cannot roll back, closing the file does
		_ = d.exec(own, records.Request{SQL: "ROLLBACK"})
	}
	return err
}

func (d *driver) exec(ctx context.Context, requests ...records.Request) error {
	for _, r := range requests {
		if _, err := d.conn.ExecContext(ctx, r.SQL, r.Args...); err != nil {
			return err
		}
	}
	return nil
}

// query calls each for every row, with its columns in into.
func (d *driver) query(ctx context.Context, r records.Request, each func(), into ...any) error {
	rows, err := d.conn.QueryContext(ctx, r.SQL, r.Args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		each()
	}
	return rows.Err()
}
