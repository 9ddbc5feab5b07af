package mysql

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// progress is what TABLE_progress holds: row 0 names the file, and row n is about
// its statement n.
type progress struct {
	any       bool // there is some
	name      string
	version   sql.Null[int] // that the file leads to; none for a seed
	fits      bool          // the version row is as it was left
	done      []string      // hashes of statements
	begun     *string       // fingerprint of the statement after these, if it was begun
	begunHash string
}

// of reports whether the progress is that of s, and not what a run left that another
// tool has passed since.
func (p *progress) of(s *migration.Step) bool {
	v := s.Change.Version
	return p.fits && p.name == s.Name && p.version.Valid == (v != nil) && (v == nil || p.version.V == *v)
}

func (d *driver) readProgress(ctx context.Context) (progress, error) {
	var p progress
	rows, err := d.conn.QueryContext(ctx, "SELECT p.statement, p.name, p.version, p.sha256, p.done, p.fingerprint, "+
		"p.version IS NULL OR COALESCE(v.dirty AND v.version = p.version, FALSE) FROM "+d.table(records.Progress)+" p LEFT JOIN "+d.table("")+" v ON TRUE ORDER BY p.statement")
	if err != nil {
		return p, err
	}
	defer rows.Close()
	for rows.Next() {
		p.any = true
		var statement int
		var name, hash, fingerprint string
		var version sql.Null[int]
		var done, fits bool
		if err := rows.Scan(&statement, &name, &version, &hash, &done, &fingerprint, &fits); err != nil {
			return p, err
		}
		switch {
		case statement == 0:
			p.name, p.version, p.fits = name, version, fits
		case done:
			p.done = append(p.done, hash)
		default:
			p.begun, p.begunHash = &fingerprint, hash
		}
	}
	return p, rows.Err()
}

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	return d.send(ctx, transaction(d.tables().Changes(c, time.Time{})...)...)
}

func (d *driver) tables() records.Tables {
	return records.Tables{Name: d.table, Now: "UTC_TIMESTAMP(6)", Known: d.known, Row: d.row}
}

// beginning records that the file begins: it makes the version dirty, which a seed
// does not have, and says who is at what.
func (a *application) beginning() (all []records.Request) {
	if v := a.step.Change.Version; v != nil {
		all = append(all, a.tables().SetVersion(*v, true)...)
	}
	return append(all, a.header())
}

// header is row 0.
func (a *application) header() records.Request {
	return records.Request{SQL: "REPLACE INTO " + a.table(records.Progress) + " (statement, name, version, sha256, done, fingerprint, session, pod) VALUES (0, ?, ?, ?, FALSE, '', ?, ?)",
		Args: []any{a.step.Name, a.step.Change.Version, a.step.SHA256, a.id, a.opts.Pod}}
}

// end records that the file was done.
func (a *application) end() []records.Request {
	return a.tables().Changes(a.step.Change, a.step.Begin)
}

// insertRows is followed by rows of statements, with their hashes.
func (a *application) insertRows() string {
	return "REPLACE INTO " + a.table(records.Progress) + " (statement, sha256, done, fingerprint, name, session, pod) VALUES "
}

// markBegun records that statement i, counted from 0, is begun, and that those before
// it were done.
func (a *application) markBegun(i int, fingerprint string) []records.Request {
	return append(a.markDone(a.saved, i), records.Request{SQL: a.insertRows() + "(?, ?, FALSE, ?, '', 0, '')",
		Args: []any{i + 1, a.step.Statements[i].Hash(), fingerprint}})
}

// forgetBegun forgets that statement i was begun.
func (a *application) forgetBegun(i int) records.Request {
	return records.Request{SQL: "DELETE FROM " + a.table(records.Progress) + " WHERE statement = ? AND NOT done", Args: []any{i + 1}}
}

// maxRows is how many rows one request writes, for the same reason as maxBundle.
const maxRows = 50

// markDone records that the statements from one up to another were done.
func (a *application) markDone(from, to int) (all []records.Request) {
	for ; from < to; from += maxRows {
		var args []any
		for i := from; i < min(from+maxRows, to); i++ {
			args = append(args, i+1, a.step.Statements[i].Hash())
		}
		rows := strings.Repeat(", (?, ?, TRUE, '', '', 0, '')", len(args)/2)
		all = append(all, records.Request{SQL: a.insertRows() + rows[2:], Args: args})
	}
	return all
}

func startTransaction() records.Request { return records.Request{SQL: "START TRANSACTION"} }

func commit() records.Request { return records.Request{SQL: "COMMIT"} }

func rollback() records.Request { return records.Request{SQL: "ROLLBACK"} }

func transaction(requests ...records.Request) []records.Request {
	return append(append([]records.Request{startTransaction()}, requests...), commit())
}

// maxBundle is how many requests one compound statement takes, so that it is no
// longer than what any server takes in one packet.
const maxBundle = 50

// bundled makes compound statements of requests, each of which is one round trip,
// where the server can do it: MySQL cannot.
func (d *driver) bundled(requests []records.Request) []records.Request {
	if !d.compounds || len(requests) == 1 {
		return requests
	}
	var all []records.Request
	for part := range slices.Chunk(requests, maxBundle) {
		all = append(all, compound(part...))
	}
	return all
}

func compound(requests ...records.Request) (all records.Request) {
	for _, r := range requests {
		all.SQL += r.SQL + "; "
		all.Args = append(all.Args, r.Args...)
	}
	all.SQL = "BEGIN NOT ATOMIC " + all.SQL + "END"
	return all
}

// sendFor is how long requests may take after the end of a context.
const sendFor = 2 * time.Second

// send makes requests, which record what has happened already: they go on for
// sendFor after the end of ctx. If the server refuses one, as it may for a lock, the
// transaction is given up: to try again would commit the half of it.
func (d *driver) send(ctx context.Context, requests ...records.Request) error {
	own, ended := context.WithoutCancel(ctx), make(chan struct{})
	defer close(ended)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-ended:
		case <-time.After(sendFor):
			d.cut()
		}
	})
	defer stop()
	for i, r := range d.bundled(requests) {
		err := d.exec(own, r.SQL, r.Args...)
		if i == 0 && number(err) == interrupted { // by a KILL that was meant for the statement before
			if slices.ContainsFunc(requests, func(r records.Request) bool { return r.SQL == startTransaction().SQL }) {
				_ = d.exec(own, "ROLLBACK") // or else it would commit what a bundle has done
			}
			err = d.exec(own, r.SQL, r.Args...)
		}
		if i == 0 && number(err) == syntaxError && d.compounds { // in a way to read SQL that the file has set
			d.compounds = false
			return d.send(ctx, requests...)
		}
		if err != nil {
			if number(err) != 0 {
				_ = d.exec(own, "ROLLBACK")
			}
			return err
		}
	}
	return nil
}
