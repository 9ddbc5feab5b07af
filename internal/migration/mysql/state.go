package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/migration"
)

// State implements migration.Driver.
func (d *driver) State(ctx context.Context) (migration.State, error) {
	state, err := d.read(ctx, []string{"", historySuffix, progressSuffix})
	if number(err) != noSuchTable {
		return state, err
	}
	there, err := d.findTables(ctx)
	if err != nil {
		return state, err
	}
	return d.read(ctx, there)
}

// parts are what is read of each table, in columns of the same kind.
var parts = map[string]string{
	"":             "SELECT 'version', version, dirty, '', '' FROM %s",
	historySuffix:  "SELECT kind, version, FALSE, name, sha256 FROM %s",
	progressSuffix: "SELECT 'progress', version, FALSE, name, '' FROM %s WHERE statement = 0",
}

// read reads the tables that exist, in one query.
func (d *driver) read(ctx context.Context, there []string) (migration.State, error) {
	state := migration.State{Version: migration.None}
	if len(there) == 0 {
		return state, nil
	}
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
	// Progress that does not fit was left behind by another tool that went on.
	if state.Dirty && begun.Valid && begun.V == state.Version {
		state.Unfinished = unfinished
	}
	return state, rows.Err()
}

// findTables returns the suffixes of those of the tables that exist.
func (d *driver) findTables(ctx context.Context) ([]string, error) {
	var there []string
	for _, suffix := range []string{"", historySuffix, progressSuffix} {
		var n int
		err := d.conn.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?",
			d.database, d.opts.Table+suffix).Scan(&n)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			there = append(there, suffix)
		}
	}
	return there, nil
}

// columns of the tables. The engine must know transactions: what is recorded is
// recorded together with what was done.
var columns = map[string]string{
	"": "version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL",
	historySuffix: "kind varchar(16) NOT NULL, version bigint NOT NULL, name varchar(255) NOT NULL, sha256 char(64) NOT NULL, " +
		"applied_at datetime(6) NULL COMMENT 'UTC', duration_ms bigint NOT NULL, pod varchar(255) NOT NULL, PRIMARY KEY (kind, version, name)",
	progressSuffix: "statement int NOT NULL PRIMARY KEY, name varchar(255) NOT NULL, version bigint NULL, sha256 char(64) NOT NULL, " +
		"done boolean NOT NULL, fingerprint varchar(64) NOT NULL, session bigint unsigned NOT NULL, pod varchar(255) NOT NULL",
}

// Prepare implements migration.Driver. Only what is missing is created: that of
// other tables may not be allowed.
func (d *driver) Prepare(ctx context.Context) error {
	there, err := d.findTables(ctx)
	if err != nil {
		return err
	}
	for _, suffix := range []string{"", historySuffix, progressSuffix} {
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
