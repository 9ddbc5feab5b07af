package mysql

import (
	"context"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// State implements migration.Driver.
func (d *driver) State(ctx context.Context) (migration.State, error) {
	state, err := d.read(ctx, records.All())
	if number(err) != noSuchTable {
		return state, err
	}
	there, err := d.findTables(ctx)
	if err != nil {
		return state, err
	}
	return d.read(ctx, there)
}

// read reads the tables that exist, in one query.
func (d *driver) read(ctx context.Context, there []string) (migration.State, error) {
	d.known = make(map[int]bool)
	if len(there) == 0 {
		return migration.State{Version: migration.None}, nil
	}
	rows, err := d.conn.QueryContext(ctx, d.tables().State(there))
	if err != nil {
		return migration.State{}, err
	}
	state, err := records.ReadState(rows)
	for _, e := range state.History {
		d.known[e.Version] = true
	}
	return state, err
}

// findTables returns the suffixes of those of the tables that exist.
func (d *driver) findTables(ctx context.Context) ([]string, error) {
	var queries, there []string
	var args []any
	for _, suffix := range records.All() {
		queries = append(queries, "SELECT ? FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?")
		args = append(args, suffix, d.database, d.opts.Table+suffix)
	}
	rows, err := d.conn.QueryContext(ctx, strings.Join(queries, " UNION ALL "), args...)
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

// columns of the tables. The engine must know transactions: what is recorded is
// recorded together with what was done.
var columns = map[string]string{
	records.Version: "version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL",
	records.History: "kind varchar(16) NOT NULL, version bigint NOT NULL, name varchar(255) NOT NULL, sha256 char(64) NOT NULL, " +
		"applied_at datetime(6) NULL COMMENT 'UTC', duration_ms bigint NOT NULL, pod varchar(255) NOT NULL, PRIMARY KEY (kind, version, name)",
	records.Progress: "statement int NOT NULL PRIMARY KEY, name varchar(255) NOT NULL, version bigint NULL, sha256 char(64) NOT NULL, " +
		"done boolean NOT NULL, fingerprint varchar(64) NOT NULL, session bigint unsigned NOT NULL, pod varchar(255) NOT NULL",
}

// Prepare implements migration.Driver. Only what is missing is created: that of
// other tables may not be allowed.
func (d *driver) Prepare(ctx context.Context) error {
	there, err := d.findTables(ctx)
	if err != nil {
		return err
	}
	for _, suffix := range records.All() {
		if slices.Contains(there, suffix) {
			continue
		}
		err := d.watched(ctx, func(ctx context.Context) error {
			return d.exec(ctx, "CREATE TABLE IF NOT EXISTS "+d.table(suffix)+" ("+columns[suffix]+") ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin")
		})
		if err != nil {
			return err
		}
	}
	return nil
}
