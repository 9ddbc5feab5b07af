package migration

import (
	"context"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4/database"

	"github.com/initbox/initbox/internal/database/sqlsplit"
)

// None is the version of a database without migrations.
const None = database.NilVersion

// A Database is what the engine needs of one kind of database.
type Database struct {
	// Parse splits a file into its statements. It fails where the text ends inside
	// a quote, comment or body; the error is a *sqlsplit.SyntaxError.
	Parse func(sql string) ([]Statement, error)
	// Open connects, waiting until the database answers. The engine closes the
	// Driver and opens another one when the connection is lost.
	Open func(ctx context.Context) (Driver, error)
	// Lost reports whether err means that the connection is gone or the server
	// going down, so that a new connection may go on where this one ended.
	Lost func(err error) bool
	// Repeat reports whether err rolled everything back for a reason that passes:
	// a lock that could not be had in time, a deadlock.
	Repeat func(err error) bool
}

// A Driver is one connection to a database. It is used by one goroutine at a
// time. Every method returns soon after its context is done, with the running
// statement cancelled on the server and rolled back. An error of the server is
// returned so that errors.As finds the library's own error in it, but its text
// must show neither SQL nor parameters.
type Driver interface {
	// State reads version and history. It costs one query once the tables are there,
	// takes no lock and creates nothing: a missing table is an empty one.
	State(ctx context.Context) (State, error)

	// TryLock takes the lock that excludes other runs, those of golang-migrate
	// included, or reports at once that somebody else has it. Whatever the session
	// needs before it changes anything is set here.
	TryLock(ctx context.Context) (bool, error)
	// Holder says who has the lock and for how long, for a log line; "" if that is
	// not known.
	Holder(ctx context.Context) (string, error)
	// Unlock gives the lock back.
	Unlock(ctx context.Context) error

	// Prepare creates the version table and the side tables that are missing. The
	// lock is held, as it is for Apply and Record.
	Prepare(ctx context.Context) error
	// Apply runs s and records s.Change. Where the database allows it both are one
	// transaction. Where not, the version row is dirty as long as the file is half
	// done and progress is recorded statement by statement, so that Apply of the same
	// file goes on after the last statement that was done (see [Resume]).
	// A statement that fails is reported as a *StatementError.
	Apply(ctx context.Context, s *Step) error
	// Record records c without running anything, and forgets recorded progress.
	Record(ctx context.Context, c Change) error

	Close() error
}

// State is what a database knows about its migrations.
type State struct {
	Version int // None for a database without migrations
	Dirty   bool
	// Unfinished is the file that Apply began and can continue: "3_add.up.sql". Dirty
	// without it was left by another tool.
	Unfinished string
	History    []Entry
}

// A Kind tells what an Entry of the history is about.
type Kind string

// The kinds of entries.
const (
	Applied  Kind = "applied"  // a migration that was run here
	Baseline Kind = "baseline" // a migration that was there before: another tool's, or --baseline
	Seed     Kind = "seed"     // a seed; its version is 0
)

// An Entry is one row of the history. Kind seed apart, there is one for a version;
// of seeds, there is one for a name. Table columns in this order: kind, version, name,
// sha256, applied_at by the server's clock (NULL for a baseline), duration_ms, pod.
type Entry struct {
	Kind    Kind
	Version int
	Name    string // of the file
	SHA256  string
	Pod     string
}

// A Change is what is to be recorded.
type Change struct {
	// Version is written to golang-migrate's table, as not dirty: an empty table
	// for None. Nil leaves the row as it is: a seed.
	Version *int
	Add     []Entry // replace those of the same version (of a seed: name)
	Remove  []int   // versions whose migrations were undone
}

// A Step is one file to run.
type Step struct {
	Name       string // of the file
	SHA256     string
	Statements []Statement // none for a file of comments
	// Text is the whole file, that the statements are parts of.
	Text   string
	Change Change
	Begin  time.Time // from which the duration counts
	// At is told the number of each statement, counted from 1, as it begins.
	At func(statement int)
}

// A Statement is one statement of a file. TABLE_progress knows it by its Hash.
type Statement = sqlsplit.Statement

// NoTransaction is the first line of a file whose statements commit one by one,
// where the database would run it as one transaction.
const NoTransaction = "-- initbox:no-transaction"

// OneByOne reports whether the text of a file begins with NoTransaction.
func OneByOne(text string) bool {
	line, _, _ := strings.Cut(text, "\n")
	return strings.TrimSpace(line) == NoTransaction
}
