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
func parseIndex(sql string) (index, bool) {
	t := sqlsplit.PostgresTokens(sql, 24)
	if len(t) > 0 && strings.EqualFold(t[0], "reindex") {
		return index{verb: "reindex"}, classify(sql) == alone
	}
	at := slices.IndexFunc(t, func(s string) bool { return strings.EqualFold(s, "concurrently") })
	if at < 0 {
		return index{}, false
	}
	x := index{verb: strings.ToLower(t[0])}
	rest := t[at+1:]
	skip := func(words ...string) {
		for i, w := range words {
			if i >= len(rest) || !strings.EqualFold(rest[i], w) {
				return
			}
		}
		rest = rest[len(words):]
	}
	switch {
	case x.verb == "create" && !slices.ContainsFunc(t[:at], func(s string) bool { return strings.EqualFold(s, "index") }):
		return index{}, false
	case x.verb == "create":
		skip("if", "not", "exists")
		if len(rest) > 0 && !strings.EqualFold(rest[0], "on") {
			x.name, rest = rest[0], rest[1:]
		}
		skip("on")
		skip("only")
		x.table = qualified(rest)
	case x.verb == "drop":
		skip("if", "exists")
		x.name = qualified(rest)
	default:
		return index{}, false
	}
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
	if x.verb == "create" {
		where, params = "i.indrelid = to_regclass($1)", []any{x.table}
		if x.name != "" {
			where, params = where+" AND c.relname = (parse_ident($2))[1]", append(params, x.name)
		} else { // the server has chosen a name that begins like that of the table
			where += " AND starts_with(c.relname, left((SELECT relname FROM pg_catalog.pg_class WHERE oid = i.indrelid), 20))"
		}
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
