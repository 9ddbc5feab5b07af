package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/initbox/initbox/internal/migration"
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

// read reads the tables that exist, in one query. The table of a later schema of
// the search_path does not count, as it does not for golang-migrate.
func (d *driver) read(ctx context.Context) (migration.State, error) {
	version, history := "(SELECT NULL::bigint AS version, false AS dirty LIMIT 0)", "'[]'"
	if d.has.version {
		version = fmt.Sprintf("(SELECT version, dirty FROM %s AS own %s LIMIT 1)", d.table(""), d.inSchema())
	}
	if d.has.history {
		history = fmt.Sprintf("(SELECT coalesce(json_agg(json_build_array(kind, version, name, sha256)), '[]') FROM %s AS own %s)", d.table(historySuffix), d.inSchema())
	}
	rows, err := d.query(ctx, "SELECT current_database(), current_schema(), pg_backend_pid(), v.version, v.dirty, "+history+
		" FROM (SELECT 1) AS one LEFT JOIN "+version+" AS v ON true")
	if err != nil {
		return migration.State{}, err
	}
	row := rows[0]
	d.database, d.backend = row[0], row[2]
	if d.schema == "" {
		d.schema = row[1]
	}
	if d.schema == "" {
		return migration.State{}, errNoSchema
	}
	return d.decode(ctx, row[3], row[4], row[5])
}

// inSchema keeps the rows of a table only if that is in the current schema.
func (d *driver) inSchema() string {
	if d.schema != "" {
		return ""
	}
	return "WHERE (SELECT relnamespace FROM pg_catalog.pg_class WHERE oid = own.tableoid) = current_schema()::regnamespace"
}

func (d *driver) decode(ctx context.Context, version, dirty, history string) (migration.State, error) {
	s := migration.State{Version: migration.None, Dirty: dirty == "t"}
	if version != "" {
		v, err := strconv.Atoi(version)
		if err != nil {
			return s, fmt.Errorf("the version in %s is not a number", d.table(""))
		}
		s.Version = v
	}
	var entries [][4]any
	if err := json.Unmarshal([]byte(history), &entries); err != nil {
		return s, fmt.Errorf("cannot read %s: %w", d.table(historySuffix), err)
	}
	for _, e := range entries {
		kind, _ := e[0].(string)
		version, _ := e[1].(float64)
		name, _ := e[2].(string)
		sum, _ := e[3].(string)
		s.History = append(s.History, migration.Entry{Kind: migration.Kind(kind), Version: int(version), Name: name, SHA256: sum})
	}
	if d.unfinished = ""; !s.Dirty {
		return s, nil
	}
	if err := d.findTables(ctx); err != nil {
		return s, err
	}
	p, err := d.readProgress(ctx)
	s.Unfinished, d.unfinished = p.name, p.name
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
	create(d.has.progress, progressSuffix, "statement int NOT NULL PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, done boolean NOT NULL")
	if len(missing) > 0 {
		if err := d.exec(ctx, missing...); err != nil {
			return err
		}
	}
	d.has = tables{true, true, true}
	return nil
}
