package mysql

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/migration"
	"github.com/initbox/initbox/internal/migration/records"
)

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	return d.settle(ctx, transaction(d.tables().Changes(c, time.Time{}))...)
}

func transaction(requests []records.Request) []records.Request {
	all := append([]records.Request{{SQL: "START TRANSACTION"}}, requests...)
	return append(all, records.Request{SQL: "COMMIT"})
}

func (d *driver) tables() records.Tables {
	return records.Tables{Name: d.table, Now: "UTC_TIMESTAMP(6)"}
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
