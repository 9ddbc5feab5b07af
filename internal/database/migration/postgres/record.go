package postgres

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
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
	replaced := slices.Clone(c.Remove)
	for _, e := range c.Add {
		if e.Kind == migration.Seed {
			all = append(all, request{sql: "DELETE FROM " + history + " WHERE version = 0 AND kind = 'seed' AND name = $1", params: []string{e.Name}})
		} else {
			replaced = append(replaced, e.Version)
		}
	}
	if len(replaced) > 0 {
		list := strings.ReplaceAll(strings.Trim(fmt.Sprint(replaced), "[]"), " ", ",")
		all = append(all, request{sql: "DELETE FROM " + history + " WHERE version = ANY ($1::bigint[]) AND kind <> 'seed'", params: []string{"{" + list + "}"}})
	}
	for _, e := range c.Add {
		all = append(all, d.entry(e, begin))
	}
	return all
}

// entry returns what inserts e into the history. What was run since begin on other
// transactions counts, and what was run on this one.
func (d *driver) entry(e migration.Entry, begin time.Time) request {
	when, took := "NULL", "0"
	if e.Kind != migration.Baseline {
		var elapsed time.Duration
		if !begin.IsZero() {
			elapsed = time.Since(begin)
		}
		when, took = "clock_timestamp()", fmt.Sprintf("%d + (extract(epoch FROM clock_timestamp() - now()) * 1000)::bigint", elapsed.Milliseconds())
	}
	return request{
		sql:    "INSERT INTO " + d.table(historySuffix) + " (kind, version, name, sha256, applied_at, duration_ms, pod) VALUES ($1, $2, $3, $4, " + when + ", " + took + ", $5)",
		params: []string{string(e.Kind), strconv.Itoa(e.Version), e.Name, e.SHA256, e.Pod},
	}
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
	name    string
	version int      // that is dirty meanwhile; of a seed None
	done    []string // hashes of statements
	begun   string   // hash of the statement behind these, if that was begun on its own
}

func (d *driver) readProgress(ctx context.Context) (progress, error) {
	p := progress{version: migration.None}
	if !d.has.progress {
		return p, nil
	}
	rows, err := d.query(ctx, "SELECT name, sha256, done, version FROM "+d.table(progressSuffix)+" ORDER BY statement")
	if err != nil {
		return p, err
	}
	for _, row := range rows {
		p.name = row[0]
		if p.version, err = strconv.Atoi(row[3]); err != nil {
			return p, fmt.Errorf("a version in %s is not a number", d.table(progressSuffix))
		}
		if row[2] == "t" {
			p.done = append(p.done, row[1])
		} else {
			p.begun = row[1]
		}
	}
	return p, nil
}

// mark records that statements of s are done, or only begun.
func (d *driver) mark(s *migration.Step, from, to int, done bool) []request {
	version := migration.None
	if s.Change.Version != nil {
		version = *s.Change.Version
	}
	var all []request
	for i := from; i < to; i++ {
		all = append(all, request{
			sql: "INSERT INTO " + d.table(progressSuffix) + " (statement, name, sha256, version, done) VALUES ($1, $2, $3, $4, $5) " +
				"ON CONFLICT (statement) DO UPDATE SET sha256 = excluded.sha256, done = excluded.done",
			params: []string{strconv.Itoa(i + 1), s.Name, s.Statements[i].Hash(), strconv.Itoa(version), strconv.FormatBool(done)},
		})
	}
	return all
}

// unmark forgets that statement i was begun.
func (d *driver) unmark(i int) request {
	return request{sql: "DELETE FROM " + d.table(progressSuffix) + " WHERE statement = $1 AND NOT done", params: []string{strconv.Itoa(i + 1)}}
}

func (d *driver) forget() request { return request{sql: "DELETE FROM " + d.table(progressSuffix)} }
