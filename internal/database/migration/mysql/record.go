package mysql

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	return d.settle(ctx, transaction(d.tables().Changes(c, time.Time{}))...)
}

func transaction(requests []records.Request) []records.Request {
	all := append([]records.Request{startTransaction()}, requests...)
	return append(all, commit())
}

func startTransaction() records.Request { return records.Request{SQL: "START TRANSACTION"} }

func starts(r records.Request) bool { return r.SQL == startTransaction().SQL }

func commit() records.Request { return records.Request{SQL: "COMMIT"} }

func rollback() records.Request { return records.Request{SQL: "ROLLBACK"} }

// What one request records at most, and one bundle takes, so that neither is longer
// than what any server takes in one packet.
const (
	maxRows   = 50
	maxBundle = 50
)

// bundled makes compound statements of requests, each of which is one round trip,
// where the server can do it: MySQL cannot. A file may have set what the server
// reads them by.
func (d *driver) bundled(requests []records.Request) []records.Request {
	if !d.compounds || d.separate || len(requests) == 1 {
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

func (d *driver) tables() records.Tables {
	return records.Tables{Name: d.table, Now: "UTC_TIMESTAMP(6)", Known: d.known, Row: d.row}
}

// mark records statement i of s, counted from 0, as begun or done.
func (d *driver) mark(s *migration.Step, i int, done bool, fingerprint string) records.Request {
	return records.Request{SQL: "REPLACE INTO " + d.table(records.Progress) + " (statement, name, sha256, done, fingerprint, session, pod) VALUES (?, '', ?, ?, ?, 0, '')",
		Args: []any{i + 1, s.Statements[i].Hash(), done, fingerprint}}
}

func (d *driver) markDone(i int) records.Request {
	return records.Request{SQL: "UPDATE " + d.table(records.Progress) + " SET done = TRUE WHERE statement = ?", Args: []any{i + 1}}
}

// unmark forgets that statement i was begun.
func (d *driver) unmark(i int) records.Request {
	return records.Request{SQL: "DELETE FROM " + d.table(records.Progress) + " WHERE statement = ? AND NOT done", Args: []any{i + 1}}
}

// marks records statements of s as done.
func (d *driver) marks(s *migration.Step, from, to int) (all []records.Request) {
	for ; from < to; from += maxRows {
		var args []any
		for i := from; i < min(from+maxRows, to); i++ {
			args = append(args, i+1, s.Statements[i].Hash())
		}
		rows := strings.Repeat(", (?, '', ?, TRUE, '', 0, '')", len(args)/2)
		all = append(all, records.Request{SQL: "REPLACE INTO " + d.table(records.Progress) + " (statement, name, sha256, done, fingerprint, session, pod) VALUES " + rows[2:], Args: args})
	}
	return all
}
