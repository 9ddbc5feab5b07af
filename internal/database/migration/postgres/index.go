package postgres

import (
	"context"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// An index is what CREATE, DROP or REINDEX CONCURRENTLY is about.
type index struct {
	verb  string // "create", "drop", "reindex"
	name  string // as written, "" if the server chooses it
	table string // as written, of CREATE
}

// parseIndex reads the statements that leave an invalid index behind when they
// are interrupted.
func parseIndex(sql string) (x index, ok bool) {
	if classify(sql) != alone {
		return index{}, false
	}
	t := sqlsplit.PostgresTokens(sql, 24)
	find := func(words ...string) int {
		return slices.IndexFunc(t, func(w string) bool { return slices.Contains(words, strings.ToLower(w)) })
	}
	x.verb = strings.ToLower(t[0])
	if x.verb == "reindex" {
		return x, true
	}
	at := find("concurrently")
	if at < 0 || x.verb != "create" && x.verb != "drop" {
		return index{}, false
	}
	for t = t[at+1:]; find("if", "not", "exists") == 0; t = t[1:] {
	}
	if x.verb == "drop" {
		x.name = qualified(t)
		return x, true
	}
	if on := find("on"); on >= 0 {
		x.name = strings.Join(t[:on], "")
		t = t[on+1:]
	}
	if find("only") == 0 {
		t = t[1:]
	}
	x.table = qualified(t)
	return x, true
}

// qualified joins a name with its schema.
func qualified(t []string) string {
	if len(t) == 0 {
		return ""
	}
	name := t[0]
	for i := 1; i+1 < len(t) && t[i] == "."; i += 2 {
		name += "." + t[i+1]
	}
	return name
}

// dropInvalid removes what an interrupted run of the same statement left behind:
// an invalid index that nobody is building. interrupted says that there was one.
func (d *driver) dropInvalid(ctx context.Context, sql string, interrupted bool) error {
	x, ok := parseIndex(sql)
	if !ok || x.verb == "drop" || x.name == "" && !interrupted {
		return nil
	}
	where, params := `c.relname ~ '_cc(new|old)\d*$'`, []any(nil) // of REINDEX
	if x.verb == "create" {                                       // a name that the server chooses begins like that of the table
		where = `i.indrelid = to_regclass($1) AND CASE $2 WHEN '' THEN starts_with(c.relname, left((SELECT relname FROM pg_catalog.pg_class
			WHERE oid = i.indrelid), 20)) ELSE c.relname = (parse_ident($2))[1] END`
		params = []any{x.table, x.name}
	}
	rows, err := d.query(ctx, `SELECT c.oid::regclass::text FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
		WHERE NOT i.indisvalid AND c.relkind = 'i' AND `+where+`
		AND NOT EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = c.oid)`, params...)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := d.exec(ctx, "DROP INDEX CONCURRENTLY IF EXISTS "+row[0]); err != nil {
			return err
		}
	}
	return nil
}

// indexDone reports whether a statement about an index that was begun is done. Of
// other statements that are refused inside a transaction it reports false: they
// may run twice.
func (d *driver) indexDone(ctx context.Context, sql string) (bool, error) {
	x, ok := parseIndex(sql)
	if !ok || x.name == "" {
		return false, nil
	}
	query, params := "SELECT to_regclass($1) IS NULL", []any{x.name}
	if x.verb == "create" {
		query = `SELECT EXISTS (SELECT FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid
			WHERE i.indisvalid AND i.indrelid = to_regclass($1) AND c.relname = (parse_ident($2))[1])`
		params = []any{x.table, x.name}
	}
	rows, err := d.query(ctx, query, params...)
	return err == nil && rows[0][0] == "t", err
}
