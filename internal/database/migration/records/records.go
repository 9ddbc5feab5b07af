// Package records has the tables of migrations where MySQL and SQLite agree: what
// is read of them in one query, and what is written into them.
package records

import (
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
)

// Names of the side tables are that of the version table with these behind it.
const (
	Version  = "" // golang-migrate's table itself
	History  = "_history"
	Progress = "_progress"
)

// All are the tables in the order in which they are made.
func All() []string { return []string{Version, History, Progress} }

// Tables are those of one database.
type Tables struct {
	Name func(suffix string) string // quoted
	Now  string                     // expression for the time
	// Known are the versions in the history, if that is known: what is not there need
	// not be replaced.
	Known map[int]bool
	Row   bool // the version table is known to have one row
}

// A Request is one statement and its parameters.
type Request struct {
	SQL  string
	Args []any
}

// State returns the query that [ReadState] reads, of the tables in there.
func (t Tables) State(there []string) string {
	parts := map[string]string{
		Version:  "SELECT 'version', version, dirty, '', '' FROM %s",
		History:  "SELECT kind, version, FALSE, name, sha256 FROM %s",
		Progress: "SELECT 'progress', version, FALSE, name, '' FROM %s WHERE statement = 0",
	}
	queries := make([]string, len(there))
	for i, suffix := range there {
		queries[i] = fmt.Sprintf(parts[suffix], t.Name(suffix))
	}
	return strings.Join(queries, " UNION ALL ")
}

// ReadState reads and closes rows.
func ReadState(rows *sql.Rows) (migration.State, error) {
	defer rows.Close()
	state := migration.State{Version: migration.None}
	var unfinished string
	var begun sql.Null[int]
	for rows.Next() {
		var kind, name, sum string
		var version sql.Null[int]
		var dirty bool
		if err := rows.Scan(&kind, &version, &dirty, &name, &sum); err != nil {
			return state, err
		}
		switch kind {
		case "version":
			state.Version, state.Dirty = version.V, dirty
		case "progress":
			unfinished, begun = name, version
		default:
			state.History = append(state.History, migration.Entry{Kind: migration.Kind(kind), Version: version.V, Name: name, SHA256: sum})
		}
	}
	// Progress that does not fit was left behind by a run that another tool has
	// passed since.
	if state.Dirty && begun.Valid && begun.V == state.Version {
		state.Unfinished = unfinished
	}
	return state, rows.Err()
}

// Changes returns what records c and forgets the progress. In this order it is
// safe also where it is not one transaction: as long as the version is dirty,
// progress counts.
func (t Tables) Changes(c migration.Change, begin time.Time) []Request {
	var all []Request
	history := t.Name(History)
	for _, version := range c.Remove {
		all = append(all, Request{"DELETE FROM " + history + " WHERE kind <> 'seed' AND version = ?", []any{version}})
	}
	var elapsed time.Duration
	if !begin.IsZero() {
		elapsed = time.Since(begin)
	}
	for _, e := range c.Add {
		same, key := "kind <> 'seed' AND version = ?", any(e.Version)
		if e.Kind == migration.Seed {
			same, key = "kind = 'seed' AND name = ?", any(e.Name)
		}
		now, took := t.Now, elapsed.Milliseconds()
		if e.Kind == migration.Baseline { // nobody knows when
			now, took = "NULL", 0
		}
		if t.Known == nil || t.Known[e.Version] {
			all = append(all, Request{"DELETE FROM " + history + " WHERE " + same, []any{key}})
		}
		if t.Known != nil {
			t.Known[e.Version] = true
		}
		all = append(all, Request{"REPLACE INTO " + history + " (kind, version, name, sha256, applied_at, duration_ms, pod) VALUES (?, ?, ?, ?, " + now + ", ?, ?)",
			[]any{string(e.Kind), e.Version, e.Name, e.SHA256, took, e.Pod}})
	}
	if c.Version != nil {
		all = append(all, t.SetVersion(*c.Version, false)...)
	}
	return append(all, t.Forget())
}

// SetVersion returns what writes golang-migrate's row. It and Forget name the key of
// every row that there may be: without one MySQL refuses them once sql_safe_updates
// is on, which a file may have set and a server may have for all.
func (t Tables) SetVersion(version int, dirty bool) []Request {
	if t.Row && (version != migration.None || dirty) {
		return []Request{{"UPDATE " + t.Name(Version) + " SET version = ?, dirty = ? WHERE version >= ?", []any{version, dirty, migration.None}}}
	}
	all := []Request{{"DELETE FROM " + t.Name(Version) + " WHERE version >= ?", []any{migration.None}}}
	if version != migration.None || dirty {
		all = append(all, Request{"INSERT INTO " + t.Name(Version) + " (version, dirty) VALUES (?, ?)", []any{version, dirty}})
	}
	return all
}

// Forget returns what forgets the progress.
func (t Tables) Forget() Request {
	return Request{SQL: "DELETE FROM " + t.Name(Progress) + " WHERE statement >= 0"}
}
