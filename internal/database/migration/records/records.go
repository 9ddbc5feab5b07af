// Package records has the tables of migrations: what is written into them, and how
// MySQL and SQLite read them in one query.
package records

import (
	"database/sql"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
)

// The names of the tables are that of the version table and a suffix.
const (
	Version  = "" // golang-migrate's table itself
	History  = "_history"
	Progress = "_progress"
)

// All are the tables in the order in which they are made.
func All() []string { return []string{Version, History, Progress} }

// Tables are those of one database.
type Tables struct {
	Name     func(suffix string) string // quoted
	Now      string                     // expression for the time
	Took     string                     // expression to add to the duration, for what the server alone knows; "" for none
	Numbered bool                       // parameters are $1, $2 instead of ?

	// Known are the versions in the history, if that is known: what is not there need
	// not be replaced.
	Known map[int]bool
	Row   bool // the version table is known to have one row
	Empty bool // the progress is known to be empty: there is nothing to forget
}

// A Request is one statement and its parameters.
type Request struct {
	SQL  string
	Args []any
}

// Request returns a statement about the table with a suffix, which sql calls $TABLE.
func (t Tables) Request(suffix, sql string, args ...any) Request {
	if t.Numbered {
		for i := range args {
			sql = strings.Replace(sql, "?", "$"+strconv.Itoa(i+1), 1)
		}
	}
	return Request{SQL: strings.Replace(sql, "$TABLE", t.Name(suffix), 1), Args: args}
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
	for _, version := range c.Remove {
		all = append(all, t.Request(History, "DELETE FROM $TABLE WHERE kind <> 'seed' AND version = ?", version))
	}
	for _, e := range c.Add {
		if t.Known == nil || t.Known[e.Version] {
			all = append(all, t.replaced(e))
		} else {
			t.Known[e.Version] = true
		}
		now, took, ms := t.Now, "?"+t.Took, int64(0)
		if e.Kind == migration.Baseline { // nobody knows when
			now, took = "NULL", "?"
		} else if !begin.IsZero() {
			ms = time.Since(begin).Milliseconds()
		}
		all = append(all, t.Request(History, "INSERT INTO $TABLE (kind, version, name, sha256, applied_at, duration_ms, pod) VALUES (?, ?, ?, ?, "+now+", "+took+", ?)",
			string(e.Kind), e.Version, e.Name, e.SHA256, ms, e.Pod))
	}
	if c.Version != nil {
		all = append(all, t.SetVersion(*c.Version, false)...)
	}
	if !t.Empty {
		all = append(all, t.Forget())
	}
	return all
}

// replaced returns what deletes the row that e is to replace.
func (t Tables) replaced(e migration.Entry) Request {
	if e.Kind == migration.Seed {
		return t.Request(History, "DELETE FROM $TABLE WHERE kind = 'seed' AND version = 0 AND name = ?", e.Name)
	}
	return t.Request(History, "DELETE FROM $TABLE WHERE kind <> 'seed' AND version = ?", e.Version)
}

// SetVersion returns what writes golang-migrate's row. It and Forget name the key of
// every row that there may be: without one MySQL refuses them once sql_safe_updates
// is on, which a file may have set and a server may have for all.
func (t Tables) SetVersion(version int, dirty bool) []Request {
	if t.Row && (version != migration.None || dirty) {
		return []Request{t.Request(Version, "UPDATE $TABLE SET version = ?, dirty = ? WHERE version >= ?", version, dirty, migration.None)}
	}
	all := []Request{t.Request(Version, "DELETE FROM $TABLE WHERE version >= ?", migration.None)}
	if version != migration.None || dirty {
		all = append(all, t.Request(Version, "INSERT INTO $TABLE (version, dirty) VALUES (?, ?)", version, dirty))
	}
	return all
}

// Forget returns what forgets the progress.
func (t Tables) Forget() Request {
	return t.Request(Progress, "DELETE FROM $TABLE WHERE statement >= 0")
}
