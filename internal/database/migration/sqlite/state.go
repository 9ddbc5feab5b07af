package sqlite

import (
	"context"
	"database/sql"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// State implements migration.Driver.
func (d *driver) State(ctx context.Context) (state migration.State, err error) {
	state.Version = migration.None
	if d.conn == nil {
		return state, nil
	}
	err = poll(ctx, func() error {
		there, err := d.findTables(ctx)
		if err == nil && len(there) > 0 {
			var rows *sql.Rows
			if rows, err = d.conn.QueryContext(ctx, d.tables().State(there)); err == nil {
				state, err = records.ReadState(rows)
			}
		}
		return err
	})
	d.seen = row{state.Version, state.Dirty}
	return state, err
}

// findTables returns the suffixes of those of the tables that exist.
func (d *driver) findTables(ctx context.Context) (there []string, err error) {
	rows, err := d.conn.QueryContext(ctx, "SELECT substr(name, ?) FROM main.sqlite_schema WHERE type = 'table' AND name IN (?, ?, ?) ORDER BY name",
		len([]rune(d.opts.Table))+1, d.opts.Table, d.opts.Table+records.History, d.opts.Table+records.Progress)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var suffix string
		if err := rows.Scan(&suffix); err != nil {
			return nil, err
		}
		there = append(there, suffix)
	}
	return there, rows.Err()
}

// current reads the version row.
func (d *driver) current(ctx context.Context) (row, error) {
	r := row{version: migration.None}
	err := d.conn.QueryRowContext(ctx, "SELECT version, dirty FROM "+d.table(records.Version)+" LIMIT 1").Scan(&r.version, &r.dirty)
	if err == sql.ErrNoRows {
		err = nil
	}
	return r, err
}

// Prepare implements migration.Driver.
func (d *driver) Prepare(ctx context.Context) error {
	there, err := d.findTables(ctx)
	if err != nil || len(there) == len(records.All()) {
		return err
	}
	return d.transact(ctx, func() error {
		for _, create := range []string{
			"TABLE IF NOT EXISTS " + d.table(records.Version) + " (version uint64, dirty bool)",
			// golang-migrate would make it, by this name.
			"UNIQUE INDEX IF NOT EXISTS version_unique ON " + strings.TrimPrefix(d.table(records.Version), "main.") + " (version)",
			"TABLE IF NOT EXISTS " + d.table(records.History) + " (kind text NOT NULL, version integer NOT NULL, name text NOT NULL, sha256 text NOT NULL, " +
				"applied_at text, duration_ms integer NOT NULL, pod text NOT NULL, PRIMARY KEY (kind, version, name))",
			"TABLE IF NOT EXISTS " + d.table(records.Progress) + " (statement integer PRIMARY KEY, name text NOT NULL, version integer, sha256 text NOT NULL)",
		} {
			if err := d.exec(ctx, "CREATE "+create); err != nil {
				return err
			}
		}
		return nil
	})
}

// transact runs f in a transaction that has SQLite's lock from the beginning.
func (d *driver) transact(ctx context.Context, f func() error) error {
	if err := poll(ctx, func() error { return d.exec(ctx, "BEGIN IMMEDIATE") }); err != nil {
		return err
	}
	err := f()
	if err == nil {
		err = d.commit(ctx)
	}
	if err != nil {
		d.rollBack(ctx)
	}
	return err
}

// commit waits for those who read: in a rollback journal they are in the way.
func (d *driver) commit(ctx context.Context) error {
	own := context.WithoutCancel(ctx) // all is done; only the wait ends with ctx
	return poll(ctx, func() error { return d.exec(own, "COMMIT") })
}

// rollBack ends a transaction that failed. If it cannot, closing the file does.
func (d *driver) rollBack(ctx context.Context) { _ = d.exec(context.WithoutCancel(ctx), "ROLLBACK") }
