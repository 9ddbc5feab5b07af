package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// tables says how what happened is recorded. What is recorded in the transaction
// of a file is sent before the file has run: the server adds how long it took.
func (d *driver) tables() records.Tables {
	return records.Tables{Name: d.table, Numbered: true, Now: "clock_timestamp()", Took: " + (extract(epoch FROM clock_timestamp() - now()) * 1000)::bigint"}
}

// A request is one statement to send.
type request struct {
	records.Request
	statement int // of the file, counted from 1; 0 for one of ours
}

func transaction(requests []request) []request {
	all := append([]request{{Request: records.Request{SQL: "BEGIN"}}}, requests...)
	return append(all, request{Request: records.Request{SQL: "COMMIT"}})
}

// ours returns the requests that record something.
func ours(all ...records.Request) (requests []request) {
	for _, r := range all {
		requests = append(requests, request{Request: r})
	}
	return requests
}

// record runs requests of ours as one transaction. s is the file that they are about, if they are.
func (d *driver) record(ctx context.Context, s *migration.Step, all ...records.Request) error {
	return d.run(ctx, s, transaction(ours(all...)))
}

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	return d.record(ctx, nil, d.tables().Changes(c, time.Time{})...)
}

// progress is how far a file got that is not one transaction.
type progress struct {
	name    string
	version int      // that is dirty meanwhile; of a seed None
	done    []string // hashes of statements
	begun   string   // hash of the statement after these, if that was begun on its own
}

func (d *driver) readProgress(ctx context.Context) (progress, error) {
	p := progress{version: migration.None}
	rows, err := d.query(ctx, "SELECT name, sha256, done, version FROM "+d.table(records.Progress)+" ORDER BY statement")
	if err != nil {
		return p, err
	}
	for _, row := range rows {
		p.name = row[0]
		p.version, _ = strconv.Atoi(row[3]) // a bigint
		if row[2] == "t" {
			p.done = append(p.done, row[1])
		} else {
			p.begun = row[1]
		}
	}
	return p, nil
}

// mark records that the statements of u are done, or only begun.
func (d *driver) mark(s *migration.Step, u unit, done bool) (all []records.Request) {
	version := migration.None
	if s.Change.Version != nil {
		version = *s.Change.Version
	}
	for i := u.from; i < u.to; i++ {
		all = append(all, d.tables().Request(records.Progress, "INSERT INTO $TABLE (statement, name, sha256, version, done) VALUES (?, ?, ?, ?, ?) "+
			"ON CONFLICT (statement) DO UPDATE SET sha256 = excluded.sha256, done = excluded.done", i+1, s.Name, s.Statements[i].Hash(), version, done))
	}
	return all
}
