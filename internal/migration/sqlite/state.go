package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/initbox/initbox/internal/migration"
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
			state, err = d.read(ctx, there)
		}
		return err
	})
	d.seen = row{state.Version, state.Dirty}
	return state, err
}

// findTables returns the suffixes of those of the tables that exist.
func (d *driver) findTables(ctx context.Context) (there []string, err error) {
	rows, err := d.conn.QueryContext(ctx, "SELECT substr(name, ?) FROM main.sqlite_schema WHERE type = 'table' AND name IN (?, ?, ?) ORDER BY name",
		len([]rune(d.opts.Table))+1, d.opts.Table, d.opts.Table+historySuffix, d.opts.Table+progressSuffix)
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

// parts are what is read of each table, in columns of the same kind.
var parts = map[string]string{
	"":             "SELECT 'version', version, dirty, '', '' FROM %s",
	historySuffix:  "SELECT kind, version, FALSE, name, sha256 FROM %s",
	progressSuffix: "SELECT 'progress', version, FALSE, name, '' FROM %s WHERE statement = 0",
}

func (d *driver) read(ctx context.Context, there []string) (migration.State, error) {
	state := migration.State{Version: migration.None}
	queries := make([]string, len(there))
	for i, suffix := range there {
		queries[i] = fmt.Sprintf(parts[suffix], d.table(suffix))
	}
	rows, err := d.conn.QueryContext(ctx, strings.Join(queries, " UNION ALL "))
	if err != nil {
		return state, err
	}
	defer rows.Close()
	var unfinished string
	var begun sql.Null[int]
	for rows.Next() {
		var kind, name, sum string
		var version sql.Null[int]
		var dirty bool
		if err := rows.Scan(&kind, &version, &dirty, &name, &sum); err != nil {
			return state, err
		}
		switch kind {
		case "version":
			state.Version, state.Dirty = version.V, dirty
		case "progress":
			unfinished, begun = name, version
		default:
			state.History = append(state.History, migration.Entry{Kind: migration.Kind(kind), Version: version.V, Name: name, SHA256: sum})
		}
	}
	if state.Dirty && begun.Valid && begun.V == state.Version {
		state.Unfinished = unfinished
	}
	return state, rows.Err()
}

// current reads the version row.
func (d *driver) current(ctx context.Context) (row, error) {
	r := row{version: migration.None}
	err := d.conn.QueryRowContext(ctx, "SELECT version, dirty FROM "+d.table("")+" LIMIT 1").Scan(&r.version, &r.dirty)
	if err == sql.ErrNoRows {
		err = nil
	}
	return r, err
}

// Prepare implements migration.Driver.
func (d *driver) Prepare(ctx context.Context) error {
	there, err := d.findTables(ctx)
	if err != nil || len(there) == len(parts) {
		return err
	}
	return d.transact(ctx, func() error {
		for _, create := range []string{
			"TABLE IF NOT EXISTS " + d.table("") + " (version uint64, dirty bool)",
			// golang-migrate would make it, by this name.
			"UNIQUE INDEX IF NOT EXISTS version_unique ON " + strings.TrimPrefix(d.table(""), "main.") + " (version)",
			"TABLE IF NOT EXISTS " + d.table(historySuffix) + " (kind text NOT NULL, version integer NOT NULL, name text NOT NULL, sha256 text NOT NULL, " +
				"applied_at text, duration_ms integer NOT NULL, pod text NOT NULL, PRIMARY KEY (kind, version, name))",
			"TABLE IF NOT EXISTS " + d.table(progressSuffix) + " (statement integer PRIMARY KEY, name text NOT NULL, version integer, sha256 text NOT NULL)",
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
