package sqlite

import (
	"context"
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
		if err != nil || len(there) == 0 {
			return err
		}
		rows, err := d.conn.QueryContext(ctx, d.tables().State(there))
		if err == nil {
			state, err = records.ReadState(rows)
		}
		return err
	})
	d.seen = row{state.Version, state.Dirty}
	return state, err
}

// findTables returns the suffixes of those of the tables that exist.
func (d *driver) findTables(ctx context.Context) (there []string, err error) {
	var suffix string
	table := d.opts.Table
	r := records.Request{SQL: "SELECT substr(name, length(?) + 1) FROM main.sqlite_schema WHERE type = 'table' AND name IN (?, ?, ?) ORDER BY name",
		Args: []any{table, table, table + records.History, table + records.Progress}}
	err = d.query(ctx, r, func() { there = append(there, suffix) }, &suffix)
	return there, err
}

// Prepare implements migration.Driver.
func (d *driver) Prepare(ctx context.Context) error {
	there, err := d.findTables(ctx)
	if err != nil || len(there) == len(records.All()) {
		return err
	}
	t := d.tables()
	return d.transact(ctx, func() error {
		return d.exec(ctx,
			t.Request(records.Version, "CREATE TABLE IF NOT EXISTS $TABLE (version uint64, dirty bool)"),
			// golang-migrate would make it, by this name.
			records.Request{SQL: "CREATE UNIQUE INDEX IF NOT EXISTS version_unique ON " + strings.TrimPrefix(d.table(records.Version), "main.") + " (version)"},
			t.Request(records.History, "CREATE TABLE IF NOT EXISTS $TABLE (kind text NOT NULL, version integer NOT NULL, name text NOT NULL, sha256 text NOT NULL, "+
				"applied_at text, duration_ms integer NOT NULL, pod text NOT NULL, PRIMARY KEY (kind, version, name))"),
			t.Request(records.Progress, "CREATE TABLE IF NOT EXISTS $TABLE (statement integer PRIMARY KEY, name text NOT NULL, version integer, sha256 text NOT NULL)"))
	})
}
