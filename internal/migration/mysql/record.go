package mysql

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/migration"
)

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	return d.settle(ctx, transaction(d.changes(c, time.Time{}))...)
}

func transaction(requests []request) []request {
	all := append([]request{{sql: "START TRANSACTION"}}, requests...)
	return append(all, request{sql: "COMMIT"})
}

// changes returns what records c and forgets the progress.
func (d *driver) changes(c migration.Change, begin time.Time) []request {
	var all []request
	if c.Version != nil {
		all = d.versionRow(*c.Version, false)
	}
	history := d.table(historySuffix)
	for _, version := range c.Remove {
		all = append(all, request{"DELETE FROM " + history + " WHERE kind <> 'seed' AND version = ?", []any{version}})
	}
	var elapsed time.Duration
	if !begin.IsZero() {
		elapsed = time.Since(begin)
	}
	for _, e := range c.Add {
		if e.Kind == migration.Seed {
			all = append(all, request{"DELETE FROM " + history + " WHERE kind = 'seed' AND name = ?", []any{e.Name}})
		} else {
			all = append(all, request{"DELETE FROM " + history + " WHERE kind <> 'seed' AND version = ?", []any{e.Version}})
		}
		insert := request{"INSERT INTO " + history + " (kind, version, name, sha256, applied_at, duration_ms, pod) VALUES (?, ?, ?, ?, UTC_TIMESTAMP(6), ?, ?)",
			[]any{string(e.Kind), e.Version, e.Name, e.SHA256, elapsed.Milliseconds(), e.Pod}}
		if e.Kind == migration.Baseline { // nobody knows when
			insert = request{"INSERT INTO " + history + " (kind, version, name, sha256, duration_ms, pod) VALUES (?, ?, ?, ?, 0, ?)",
				[]any{string(e.Kind), e.Version, e.Name, e.SHA256, e.Pod}}
		}
		all = append(all, insert)
	}
	return append(all, d.forget())
}

// versionRow writes golang-migrate's row.
func (d *driver) versionRow(version int, dirty bool) []request {
	all := []request{{sql: "DELETE FROM " + d.table("")}}
	if version != migration.None || dirty {
		all = append(all, request{"INSERT INTO " + d.table("") + " (version, dirty) VALUES (?, ?)", []any{version, dirty}})
	}
	return all
}

func (d *driver) forget() request { return request{sql: "DELETE FROM " + d.table(progressSuffix)} }

// mark records statement i of s, counted from 0, as begun or done.
func (d *driver) mark(s *migration.Step, i int, done bool, fingerprint string) request {
	return request{"REPLACE INTO " + d.table(progressSuffix) + " (statement, name, sha256, done, fingerprint, session, pod) VALUES (?, '', ?, ?, ?, 0, '')",
		[]any{i + 1, s.Statements[i].Hash(), done, fingerprint}}
}

func (d *driver) markDone(i int) request {
	return request{"UPDATE " + d.table(progressSuffix) + " SET done = TRUE WHERE statement = ?", []any{i + 1}}
}

// unmark forgets that statement i was begun.
func (d *driver) unmark(i int) request {
	return request{"DELETE FROM " + d.table(progressSuffix) + " WHERE statement = ? AND NOT done", []any{i + 1}}
}
