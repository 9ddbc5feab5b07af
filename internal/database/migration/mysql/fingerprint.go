package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"hash"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// maxNames is how many names are looked up one by one; with more, all that there
// is in the database is looked at.
const maxNames = 1000

// maxLookups is how many tables are asked for one by one: the server finds each of
// them at once, but looks through all that there are for any of several.
const maxLookups = 12

// fingerprint hashes how everything is defined that a statement of DDL has the
// name of. Of EXECUTE nobody knows the names.
func (d *driver) fingerprint(ctx context.Context, k kind, statement string) (string, error) {
	return d.fingerprintOf(ctx, k, statement, maxLookups)
}

// changed reports whether the fingerprint of a statement is another one than before.
// That may be from a version of initbox that looked at all tables.
func (d *driver) changed(ctx context.Context, k kind, statement, before string) (bool, error) {
	for _, lookups := range []int{maxLookups, 0} {
		if now, err := d.fingerprintOf(ctx, k, statement, lookups); err != nil || now == before {
			return false, err
		}
	}
	return true, nil
}

func (d *driver) fingerprintOf(ctx context.Context, k kind, statement string, lookups int) (string, error) {
	f := &finger{driver: d, hash: sha256.New()}
	f.names(statement)
	if len(f.exact) > lookups {
		f.exact = nil
	}
	if k == executes || len(f.in) > maxNames {
		f.all = true
	}
	if err := f.tables(ctx); err != nil {
		return "", err
	}
	for _, p := range programs {
		if !f.all && !slices.ContainsFunc(p.words, func(w string) bool { return slices.Contains(f.in, any(w)) }) {
			continue
		}
		if err := f.add(ctx, "SELECT CONCAT_WS(CHAR(0), "+p.columns+") FROM information_schema."+p.from+" WHERE "+f.where(p.schema, p.name)+" ORDER BY 1"); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(f.hash.Sum(nil)), nil
}

// A finger is one fingerprint in the making.
type finger struct {
	*driver
	hash hash.Hash
	all  bool
	in   []any // the names, in lower case
	// exact are those that tables of the current database may have, as they are
	// written; none if there may be one of another database.
	exact []any
}

// programs are what there is besides tables, and the words without which a
// statement is not about them.
var programs = []struct {
	words                       []string
	from, schema, name, columns string
}{
	{[]string{"trigger"}, "TRIGGERS", "TRIGGER_SCHEMA", "TRIGGER_NAME",
		"TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_ORDER, ACTION_STATEMENT, CREATED"},
	{[]string{"procedure", "function", "package"}, "ROUTINES", "ROUTINE_SCHEMA", "ROUTINE_NAME",
		"ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, DTD_IDENTIFIER, ROUTINE_DEFINITION, CREATED, LAST_ALTERED"},
	{[]string{"event"}, "EVENTS", "EVENT_SCHEMA", "EVENT_NAME", "EVENT_SCHEMA, EVENT_NAME, EVENT_DEFINITION, CREATED, LAST_ALTERED"},
	{[]string{"database", "schema"}, "SCHEMATA", "SCHEMA_NAME", "SCHEMA_NAME", "SCHEMA_NAME, DEFAULT_CHARACTER_SET_NAME, DEFAULT_COLLATION_NAME"},
}

func (f *finger) names(statement string) {
	seen, qualified := make(map[string]bool), false
	for _, t := range sqlsplit.MySQLTokens(statement, -1) {
		quoted := false
		switch t[0] {
		case '`', '"':
			t = strings.ReplaceAll(t[1:len(t)-1], t[:1]+t[:1], t[:1])
			quoted = true
		case '\'':
			continue
		default:
			qualified = qualified || strings.Contains(t, ".")
			if len(t) == 1 && strings.ContainsAny(t, "(),.;=+-*/<>@") {
				continue
			}
		}
		if (quoted || !reserved(t)) && len(f.exact) <= maxLookups && !slices.Contains(f.exact, any(t)) {
			f.exact = append(f.exact, t)
		}
		if t = strings.ToLower(t); !seen[t] {
			seen[t] = true
			f.in = append(f.in, t)
		}
	}
	if qualified {
		f.exact = nil
	}
}

// reserved reports whether a word is known not to be a name unless it is quoted.
func reserved(word string) bool {
	return strings.Trim(word, "0123456789") == "" || strings.Contains(reservedWords, " "+strings.ToUpper(word)+" ")
}

// reservedWords are those of MySQL and MariaDB that DDL often has in it.
const reservedWords = " ADD ALTER AND AS ASC BIGINT BINARY BLOB BY CASCADE CHANGE CHAR CHARACTER CHECK COLLATE COLUMN CONSTRAINT CREATE" +
	" DECIMAL DEFAULT DELETE DESC DOUBLE DROP EXISTS FLOAT FOREIGN FROM FULLTEXT IF IN INDEX INT INTEGER INTO IS KEY KEYS LIKE" +
	" LONGTEXT MEDIUMTEXT NOT NULL ON OR PRIMARY REFERENCES RENAME REPLACE RESTRICT SELECT SET SMALLINT SPATIAL TABLE TINYINT TO" +
	" UNION UNIQUE UNSIGNED UPDATE USING VALUES VARBINARY VARCHAR WHERE WITH "

// where keeps what is in one of the databases and has one of the names.
func (f *finger) where(schema, name string) string {
	if f.all {
		return schema + " = DATABASE()"
	}
	list := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(f.in)), ", ") + ")"
	if schema == name {
		return name + " IN " + list
	}
	return "(" + schema + " = DATABASE() OR " + schema + " IN " + list + ") AND " + name + " IN " + list
}

// add hashes the one column of a query that ends with where.
func (f *finger) add(ctx context.Context, query string) error {
	var args []any
	for range strings.Count(query, " IN (") {
		args = append(args, f.in...)
	}
	rows, err := f.conn.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var text sql.NullString
		if err := rows.Scan(&text); err != nil {
			return err
		}
		f.write(text.String)
	}
	return rows.Err()
}

func (f *finger) write(text string) { _, _ = io.WriteString(f.hash, text+"\x00") }

// volatile is what changes in a definition while rows are inserted.
var volatile = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(` AUTO_INCREMENT=\d+`) })

func (f *finger) tables(ctx context.Context) error {
	const all = "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE "
	query, args := all+f.where("TABLE_SCHEMA", "TABLE_NAME"), append(slices.Clone(f.in), f.in...)
	switch {
	case f.all:
		args = nil
	case len(f.exact) > 0:
		one := " UNION ALL " + all + "TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?"
		query, args = strings.Repeat(one, len(f.exact))[len(" UNION ALL "):], f.exact
	}
	rows, err := f.conn.QueryContext(ctx, query+" ORDER BY 1, 2", args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var found []string
	for rows.Next() {
		var schema, name string
		if err := rows.Scan(&schema, &name); err != nil {
			return err
		}
		found = append(found, quote(schema)+"."+quote(name))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, name := range found {
		definition, err := f.definition(ctx, name)
		if err != nil {
			return err
		}
		f.write(name)
		f.write(volatile().ReplaceAllString(definition, ""))
	}
	return nil
}

// definition returns what SHOW CREATE TABLE says of a table or view, or the number
// of the error if it cannot: a view whose table is gone is defined as well.
func (f *finger) definition(ctx context.Context, name string) (string, error) {
	rows, err := f.conn.QueryContext(ctx, "SHOW CREATE TABLE "+name)
	if refused(err) && !Repeat(err) {
		return "error " + strconv.Itoa(number(err)), nil
	}
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	texts := make([]sql.NullString, len(columns))
	into := make([]any, len(columns))
	for i := range texts {
		into[i] = &texts[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
	}
	if len(texts) < 2 {
		return "", rows.Err()
	}
	return texts[1].String, rows.Err()
}
