package mysql

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// An object is what a statement of DDL creates, changes or drops.
type object struct {
	kind string // as SHOW CREATE has it: "TABLE" also for views and sequences, and for an index
	name string // as the statement has it
}

// grammar finds the objects in the tokens of a statement.
var grammar = sync.OnceValue(func() (p struct{ ddl, next, name *regexp.Regexp }) {
	p.ddl = regexp.MustCompile(`(?is)^(CREATE|ALTER|DROP|RENAME|TRUNCATE) (?:.*? )??` +
		`(TABLES?|VIEW|SEQUENCE|INDEX .*? ON|DATABASE|SCHEMA|TRIGGER|PROCEDURE|FUNCTION|EVENT|PACKAGE(?: BODY)?) (?:IF (?:NOT )?EXISTS )?(.*)`)
	p.next = regexp.MustCompile(`(?i) (?:,|TO) `)
	p.name = regexp.MustCompile("^(?:`[^`]*`|\"[^\"]*\"|[^\\s,.()`\"]+| [.] )+")
	return p
})

// maxTokens is how far a statement is read for the names of objects.
const maxTokens = 1000

// objects returns what a statement of DDL is about. It is none for GRANT, CREATE USER
// and others that change nothing that SHOW CREATE knows.
func objects(statement string) (all []object) {
	if !commitsItself(statement) {
		return nil
	}
	p := grammar()
	m := p.ddl.FindStringSubmatch(strings.Join(sqlsplit.MySQLTokens(statement, maxTokens), " "))
	if m == nil {
		return nil
	}
	kind, names := strings.ToUpper(m[2]), []string{m[3]}
	switch word, _, _ := strings.Cut(kind, " "); word {
	case "TABLES", "VIEW", "SEQUENCE", "INDEX":
		kind = "TABLE"
	}
	if first := strings.ToUpper(m[1]); first == "DROP" || first == "RENAME" {
		names = p.next.Split(m[3], -1)
	}
	for _, name := range names {
		all = append(all, object{kind, p.name.FindString(name)})
	}
	return all
}

// everything returns all objects of the current database: of EXECUTE nobody knows
// which of them it is about.
func (d *driver) everything(ctx context.Context) ([]object, error) {
	var queries []string
	for kind, view := range map[string]string{"'TABLE'": "TABLE", "ROUTINE_TYPE": "ROUTINE", "'TRIGGER'": "TRIGGER", "'EVENT'": "EVENT"} {
		queries = append(queries, fmt.Sprintf("SELECT %s, CONVERT(%s_NAME USING utf8mb4) FROM information_schema.%[2]sS WHERE %[2]s_SCHEMA = DATABASE()", kind, view))
	}
	rows, err := d.conn.QueryContext(ctx, strings.Join(queries, " UNION ALL ")+" ORDER BY 1, 2")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []object
	for rows.Next() {
		var o object
		if err := rows.Scan(&o.kind, &o.name); err != nil {
			return nil, err
		}
		o.name = quote(o.name)
		all = append(all, o)
	}
	return all, rows.Err()
}

// fingerprintFormat tells fingerprints from those of earlier versions of initbox,
// which looked at other objects.
const fingerprintFormat = "2:"

// fingerprint hashes how everything is defined that a statement is about, and counts
// what of that exists.
func (d *driver) fingerprint(ctx context.Context, k kind, statement string) (hash string, exist int, err error) {
	all := objects(statement)
	if k == executes {
		if all, err = d.everything(ctx); err != nil {
			return "", 0, err
		}
	}
	sum := sha256.New()
	for _, o := range all {
		text, err := d.definition(ctx, o)
		switch {
		case number(err) == noSuchTable:
		case err != nil && (!refused(err) || Repeat(err)):
			return "", 0, err
		default:
			exist++
		}
		fmt.Fprintf(sum, "%s %s\x00%s %d\x00", o.kind, o.name, text, number(err))
	}
	return fingerprintFormat + hex.EncodeToString(sum.Sum(nil)[:16]), exist, nil
}

// counter is what changes in the definition of a table while rows are inserted.
var counter = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(` AUTO_INCREMENT=\d+`) })

// definition returns what SHOW CREATE says of an object.
func (d *driver) definition(ctx context.Context, o object) (text string, err error) {
	rows, err := d.conn.QueryContext(ctx, "SHOW CREATE "+o.kind+" "+o.name)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return "", err
	}
	texts, into := make([]sql.NullString, len(columns)), make([]any, len(columns))
	for i := range texts {
		into[i] = &texts[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return "", err
		}
	}
	for _, t := range texts {
		text += t.String + "\x00"
	}
	return counter().ReplaceAllString(text, ""), rows.Err()
}
