package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/migration"
)

// A request is one statement to send.
type request struct {
	sql       string
	params    []string
	statement int // of the file, counted from 1; 0 for one of ours
}

// changes returns what records c.
func (d *driver) changes(c migration.Change, begin time.Time) []request {
	var all []request
	if c.Version != nil {
		all = append(all, d.versionRow(*c.Version, false)...)
	}
	history := d.table(historySuffix)
	if len(c.Remove) > 0 {
		list := strings.ReplaceAll(strings.Trim(fmt.Sprint(c.Remove), "[]"), " ", ",")
		all = append(all, request{sql: "DELETE FROM " + history + " WHERE kind <> 'seed' AND version = ANY ($1::bigint[])", params: []string{"{" + list + "}"}})
	}
	if len(c.Add) > 0 {
		var elapsed time.Duration
		if !begin.IsZero() {
			elapsed = time.Since(begin)
		}
		entries := []string{encode(c.Add)}
		from := " FROM json_to_recordset($1) AS n(kind text, version bigint, name text, sha256 text, pod text)"
		all = append(all,
			request{sql: "DELETE FROM " + history + " AS h USING (SELECT *" + from + ") AS n WHERE h.version = n.version " +
				"AND (h.kind = 'seed') = (n.kind = 'seed') AND (n.kind <> 'seed' OR h.name = n.name)", params: entries},
			request{sql: "INSERT INTO " + history + " (kind, version, name, sha256, applied_at, duration_ms, pod) " +
				"SELECT kind, version, name, sha256, CASE WHEN kind <> 'baseline' THEN clock_timestamp() END, " +
				"CASE WHEN kind <> 'baseline' THEN $2::bigint + (extract(epoch FROM clock_timestamp() - now()) * 1000)::bigint ELSE 0 END, pod" + from,
				params: append(entries, strconv.FormatInt(elapsed.Milliseconds(), 10))})
	}
	return all
}

// versionRow writes golang-migrate's row. It is not truncated, as golang-migrate
// does it: who reads the version would have to wait.
func (d *driver) versionRow(version int, dirty bool) []request {
	all := []request{{sql: "DELETE FROM " + d.table("")}}
	if version != migration.None || dirty {
		all = append(all, request{sql: "INSERT INTO " + d.table("") + " (version, dirty) VALUES ($1, $2)",
			params: []string{strconv.Itoa(version), strconv.FormatBool(dirty)}})
	}
	return all
}

// encode writes entries as JSON that changes reads.
func encode(entries []migration.Entry) string {
	type row struct {
		Kind    migration.Kind `json:"kind"`
		Version int            `json:"version"`
		Name    string         `json:"name"`
		SHA256  string         `json:"sha256"`
		Pod     string         `json:"pod"`
	}
	rows := make([]row, len(entries))
	for i, e := range entries {
		rows[i] = row{e.Kind, e.Version, e.Name, e.SHA256, e.Pod}
	}
	text, _ := json.Marshal(rows) // nothing in it can fail
	return string(text)
}

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	all := append(d.changes(c, time.Time{}), d.forget())
	return d.run(ctx, nil, transaction(all))
}

func transaction(requests []request) []request {
	all := append([]request{{sql: "BEGIN"}}, requests...)
	return append(all, request{sql: "COMMIT"})
}

// progress is how far a file got that is not one transaction.
type progress struct {
	name  string
	done  []string // hashes of statements
	begun string   // hash of the statement behind these, if that was begun on its own
}

func (d *driver) readProgress(ctx context.Context) (progress, error) {
	var p progress
	if !d.has.progress {
		return p, nil
	}
	rows, err := d.query(ctx, "SELECT name, sha256, done FROM "+d.table(progressSuffix)+" ORDER BY statement")
	if err != nil {
		return p, err
	}
	for _, row := range rows {
		p.name = row[0]
		if row[2] == "t" {
			p.done = append(p.done, row[1])
		} else {
			p.begun = row[1]
		}
	}
	return p, nil
}

// mark records that statements of s are done, or only begun.
func (d *driver) mark(s *migration.Step, from, to int, done bool) request {
	type row struct {
		Statement int    `json:"statement"`
		SHA256    string `json:"sha256"`
	}
	var rows []row
	for i := from; i < to; i++ {
		rows = append(rows, row{i + 1, s.Statements[i].Hash()})
	}
	text, _ := json.Marshal(rows)
	return request{
		sql: "INSERT INTO " + d.table(progressSuffix) + " (statement, name, sha256, done) SELECT statement, $2, sha256, $3 " +
			"FROM json_to_recordset($1) AS n(statement int, sha256 text) ON CONFLICT (statement) DO UPDATE SET name = $2, sha256 = excluded.sha256, done = $3",
		params: []string{string(text), s.Name, strconv.FormatBool(done)},
	}
}

func (d *driver) forget() request { return request{sql: "DELETE FROM " + d.table(progressSuffix)} }
