package postgres

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database/migration"
)

// State implements migration.Driver.
func (d *driver) State(ctx context.Context) (migration.State, error) {
	d.has = tables{version: true, history: true} // another run may have made them since
	state, err := d.read(ctx)
	if sqlState(err) != undefinedTable {
		return state, err
	}
	if err := d.findTables(ctx); err != nil {
		return migration.State{}, err
	}
	return d.read(ctx)
}

// read reads the tables that exist, in one round trip. A name without schema means
// a table of the current schema meanwhile: golang-migrate does not look into later
// ones of the search_path. Statements of their own cost less than a UNION, of which
// a new session has nothing planned.
func (d *driver) read(ctx context.Context) (migration.State, error) {
	session := "SELECT current_database(), current_schema(), pg_backend_pid()"
	if d.schema == "" {
		session += ", set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
	}
	queries := []string{session}
	if d.has.version {
		queries = append(queries, "SELECT 'version', version, dirty, '' FROM "+d.table(""))
	}
	if d.has.history {
		queries = append(queries, "SELECT kind, version, name, sha256 FROM "+d.table(historySuffix))
	}
	results, err := d.conn.Exec(ctx, strings.Join(queries, "; ")).ReadAll()
	if err != nil {
		return migration.State{}, err
	}
	first := results[0].Rows[0]
	d.database, d.backend = string(first[0]), string(first[2])
	if d.schema == "" {
		d.schema = string(first[1])
	}
	if d.schema == "" {
		return migration.State{}, errNoSchema
	}
	return d.decode(ctx, results[1:])
}

func (d *driver) decode(ctx context.Context, results []*pgconn.Result) (migration.State, error) {
	s := migration.State{Version: migration.None}
	for _, result := range results {
		for _, row := range result.Rows {
			kind, third := string(row[0]), string(row[2])
			version, err := strconv.Atoi(string(row[1]))
			if err != nil {
				return s, fmt.Errorf("a version in %s is not a number", d.table(""))
			}
			if kind == "version" {
				s.Version, s.Dirty = version, third == "t"
			} else {
				s.History = append(s.History, migration.Entry{Kind: migration.Kind(kind), Version: version, Name: third, SHA256: string(row[3])})
			}
		}
	}
	if d.unfinished = ""; !s.Dirty {
		return s, nil
	}
	if err := d.findTables(ctx); err != nil {
		return s, err
	}
	p, err := d.readProgress(ctx)
	if p.version == s.Version { // or else another tool has passed it since
		s.Unfinished, d.unfinished = p.name, p.name
	}
	return s, err
}

// findTables looks which tables there are.
func (d *driver) findTables(ctx context.Context) error {
	rows, err := d.query(ctx, `SELECT
		bool_or(relname = $1), bool_or(relname = $1 || '`+historySuffix+`'), bool_or(relname = $1 || '`+progressSuffix+`'), current_schema()
		FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p') AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace
			WHERE nspname = CASE $2 WHEN '' THEN current_schema() ELSE $2 END)`, d.opts.Table, d.schema)
	if err != nil {
		return err
	}
	row := rows[0]
	d.has = tables{version: row[0] == "t", history: row[1] == "t", progress: row[2] == "t"}
	if d.schema == "" {
		d.schema = row[3]
	}
	return nil
}

// Prepare implements migration.Driver. Only what is missing is created: that of
// other tables may not be allowed.
func (d *driver) Prepare(ctx context.Context) error {
	if err := d.findTables(ctx); err != nil {
		return err
	}
	var missing []string
	create := func(has bool, suffix, columns string) {
		if !has {
			missing = append(missing, "CREATE TABLE IF NOT EXISTS "+d.table(suffix)+" ("+columns+")")
		}
	}
	create(d.has.version, "", "version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL")
	create(d.has.history, historySuffix, "kind text NOT NULL, version bigint NOT NULL, name text NOT NULL, sha256 text NOT NULL, "+
		"applied_at timestamptz, duration_ms bigint NOT NULL, pod text NOT NULL, PRIMARY KEY (version, kind, name)")
	create(d.has.progress, progressSuffix, "statement int NOT NULL PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, version bigint NOT NULL, done boolean NOT NULL")
	if len(missing) > 0 {
		if err := d.exec(ctx, missing...); err != nil {
			return err
		}
	}
	d.has = tables{true, true, true}
	return nil
}
