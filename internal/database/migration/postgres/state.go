package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// State implements migration.Driver.
func (d *driver) State(ctx context.Context) (migration.State, error) {
	state, err := d.read(ctx, []string{records.Version, records.History})
	there := records.All()
	if sqlState(err) == undefinedTable || err == nil && state.Dirty {
		if there, err = d.findTables(ctx); err == nil {
			state, err = d.read(ctx, there)
		}
	}
	d.unfinished = ""
	if err == nil && state.Dirty && slices.Contains(there, records.Progress) {
		var p progress
		if p, err = d.readProgress(ctx); p.version == state.Version { // or else another tool has passed it since
			state.Unfinished, d.unfinished = p.name, p.name
		}
	}
	return state, err
}

var errNoSchema = errors.New("no schema of the search_path exists: create it, or give --schema")

// read reads version and history as far as they are there, in one round trip. A
// name without schema means a table of the current schema meanwhile: golang-migrate
// does not look into later ones of the search_path. Statements of their own cost
// less than a UNION, of which a new session has nothing planned.
func (d *driver) read(ctx context.Context, there []string) (migration.State, error) {
	s := migration.State{Version: migration.None}
	session := "SELECT current_database(), current_schema(), pg_backend_pid()"
	if d.schema == "" {
		session += ", set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)"
	}
	queries := []string{session}
	if slices.Contains(there, records.Version) {
		queries = append(queries, "SELECT 'version', version, dirty, '' FROM "+d.table(records.Version))
	}
	if slices.Contains(there, records.History) {
		queries = append(queries, "SELECT kind, version, name, sha256 FROM "+d.table(records.History))
	}
	results, err := d.conn.Exec(ctx, strings.Join(queries, "; ")).ReadAll()
	if err != nil {
		return s, err
	}
	first := results[0].Rows[0]
	d.database, d.backend = string(first[0]), string(first[2])
	if d.schema == "" {
		d.schema = string(first[1])
	}
	if d.schema == "" {
		return s, errNoSchema
	}
	for _, result := range results[1:] {
		for _, row := range result.Rows {
			kind, third := string(row[0]), string(row[2])
			version, err := strconv.Atoi(string(row[1]))
			if err != nil {
				return s, fmt.Errorf("a version in %s is not a number", d.table(records.Version))
			}
			if kind == "version" {
				s.Version, s.Dirty = version, third == "t"
			} else {
				s.History = append(s.History, migration.Entry{Kind: migration.Kind(kind), Version: version, Name: third, SHA256: string(row[3])})
			}
		}
	}
	return s, nil
}

// findTables returns the suffixes of those of the tables that exist.
func (d *driver) findTables(ctx context.Context) (there []string, err error) {
	rows, err := d.query(ctx, `SELECT substr(relname, length($1::text) + 1) FROM pg_catalog.pg_class
		WHERE relname IN ($1, $1 || '`+records.History+`', $1 || '`+records.Progress+`') AND relkind IN ('r', 'p')
		AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = coalesce(nullif($2, ''), current_schema()))`, d.opts.Table, d.schema)
	for _, row := range rows {
		there = append(there, row[0])
	}
	return there, err
}

// columns of the tables.
func columns(suffix string) string {
	switch suffix {
	case records.Version:
		return "version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL"
	case records.History:
		return "kind text NOT NULL, version bigint NOT NULL, name text NOT NULL, sha256 text NOT NULL, " +
			"applied_at timestamptz, duration_ms bigint NOT NULL, pod text NOT NULL, PRIMARY KEY (version, kind, name)"
	default:
		return "statement int NOT NULL PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL, version bigint NOT NULL, done boolean NOT NULL"
	}
}

// Prepare implements migration.Driver. Only what is missing is created: that of
// other tables may not be allowed.
func (d *driver) Prepare(ctx context.Context) error {
	there, err := d.findTables(ctx)
	if err != nil {
		return err
	}
	var missing []string
	for _, suffix := range records.All() {
		if !slices.Contains(there, suffix) {
			missing = append(missing, "CREATE TABLE IF NOT EXISTS "+d.table(suffix)+" ("+columns(suffix)+")")
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return d.exec(ctx, missing...)
}
