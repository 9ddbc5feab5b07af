package mysql

import (
	"context"
	"database/sql"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// Apply implements migration.Driver.
func (d *driver) Apply(ctx context.Context, s *migration.Step) error {
	if d.unsettled {
		if err := d.configure(ctx); err != nil {
			return err
		}
	}
	a := &application{driver: d, step: s, group: none}
	if err := a.resume(ctx); err != nil {
		return err
	}
	d.forgotten, d.current, d.tried = false, s, a.done
	for i := a.done; i < len(s.Statements); {
		next, err := a.statement(ctx, i)
		if err != nil {
			return err
		}
		i = next
	}
	if !a.recorded {
		if err := d.settle(ctx, transaction(a.end())...); err != nil {
			return err
		}
	}
	d.forgotten = true
	if v := s.Change.Version; v != nil {
		d.row = *v != migration.None
	}
	return nil
}

// An application is one file on its way.
type application struct {
	*driver
	step     *migration.Step
	done     int     // statements that were done before
	begun    *string // fingerprint of the statement behind these, if it was begun
	group    int     // statement that began the file's own transaction, or none
	fresh    bool    // that the file begins is to be recorded together with its first statement
	recorded bool    // so was its end, together with its last one
}

const none = -1

// resume finds what was done of the file before. A seed that was changed begins
// anew: it is made to be repeated.
func (a *application) resume(ctx context.Context) error {
	if a.forgotten {
		a.fresh = true
		return nil
	}
	p, err := a.readProgress(ctx)
	if err != nil {
		return err
	}
	change := a.step.Change.Version
	if p.fits && p.name == a.step.Name && (change == nil) != p.version.Valid && (change == nil || *change == p.version.V) {
		a.done, err = migration.Resume(a.step, p.done)
		switch {
		case err == nil:
			a.begun = p.begun
			return a.takeOver(ctx, p)
		case change != nil:
			return err
		}
	}
	a.done, a.fresh = 0, !p.any
	if a.fresh {
		return nil
	}
	return a.settle(ctx, transaction(append([]records.Request{a.tables().Forget()}, a.beginning()...))...)
}

func (a *application) header() records.Request {
	return records.Request{SQL: "REPLACE INTO " + a.table(records.Progress) + " (statement, name, version, sha256, done, fingerprint, session, pod) VALUES (0, ?, ?, ?, FALSE, '', ?, ?)",
		Args: []any{a.step.Name, a.step.Change.Version, a.step.SHA256, a.id, a.opts.Pod}}
}

// beginning records that the file begins.
func (a *application) beginning() []records.Request { return append(a.dirty(), a.header()) }

// dirty marks the version, which a seed does not have.
func (a *application) dirty() []records.Request {
	if a.step.Change.Version == nil {
		return nil
	}
	return a.tables().SetVersion(*a.step.Change.Version, true)
}

// end records that the file was done.
func (a *application) end() []records.Request {
	return a.tables().Changes(a.step.Change, a.step.Begin)
}

// begin records on its own that the file begins, if that is still to be done.
func (a *application) begin(ctx context.Context) error {
	if !a.fresh {
		return nil
	}
	a.fresh = false
	return a.settle(ctx, transaction(a.beginning())...)
}

// progress is what TABLE_progress holds.
type progress struct {
	any       bool // there is some
	name      string
	version   sql.Null[int] // that the file leads to; none for a seed
	fits      bool          // the version row is as it was left
	done      []string      // hashes of statements
	begun     *string       // fingerprint of the statement behind these, if it was begun
	begunHash string
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

// statement runs statement i, and may be some behind it, and records them. It
// returns which comes next.
func (a *application) statement(ctx context.Context, i int) (next int, err error) {
	k := classify(a.step.Statements[i].SQL)
	if begun := a.begun; begun != nil {
		a.begun = nil
		if done, err := a.wasDone(ctx, i, k, *begun); err != nil || done {
			return i + 1, err
		}
	}
	switch {
	case (k == inserts || k == plain) && a.group == none:
		return a.together(ctx, i, k)
	case k != ddl && k != executes && k != opaque:
		if err = a.begin(ctx); err != nil {
			return i, err
		}
	}
	switch {
	case k == locks, a.group == none && ends(k, a.step.Statements[i].SQL):
		err = a.settle(ctx, a.mark(a.step, i, true, ""))
	case k == begins, k == session: // after a crash both run again anyhow
		if err = a.run(ctx, i); err == nil {
			err = a.settle(ctx, a.mark(a.step, i, true, ""))
		}
		if k == begins {
			a.group = i
		}
	case k == commits && a.group != none:
		if err = a.settle(ctx, a.mark(a.step, i, true, "")); err == nil {
			err = a.run(ctx, i)
		}
		a.group = none
	case k == rollsBack && a.group != none:
		err = a.rollBack(ctx, i)
	default:
		err = a.alone(ctx, i, k)
	}
	return i + 1, err
}

// togetherFor is how long INSERTs share a transaction: long enough for a file of
// many thousands, and not so long that anybody waits for their locks.
const togetherFor = 100 * time.Millisecond

// together runs statement i, and INSERTs behind an INSERT, in one transaction with
// what records them: also that the file begins, with its first statement, and
// that it was done, with its last one.
func (a *application) together(ctx context.Context, i int, k kind) (next int, err error) {
	start := []records.Request{startTransaction()}
	if a.fresh {
		start = append(start, a.header()) // for others who wait
	}
	if err := a.settle(ctx, start...); err != nil {
		return i, err
	}
	begin, statements := time.Now(), a.step.Statements
	for next = i; next == i || next < len(statements) && k == inserts && time.Since(begin) < togetherFor && classify(statements[next].SQL) == inserts; next++ {
		if err = a.try(ctx, next); err != nil {
			break
		}
	}
	kept := next
	if err != nil && (!refused(err) || undoes(err)) {
		kept = i
	}
	if e := a.settle(ctx, a.ended(i, kept)...); e != nil && (err == nil || refused(err)) {
		return i, e // the connection was lost, and with it maybe all of this
	}
	if err != nil {
		err = a.failure(ctx, next, err)
	}
	return next, err
}

// ended ends the transaction of together, of which the statements from i to next are
// to be kept.
func (a *application) ended(i, next int) (all []records.Request) {
	switch {
	case next == i:
		all = append(all, rollback())
		if a.fresh {
			all = append(all, transaction(a.beginning())...)
		}
		a.fresh = false
		return all
	case next == len(a.step.Statements):
		all, a.recorded = a.end(), true
	default:
		all = a.marks(a.step, i, next)
		if a.fresh {
			all = append(all, a.dirty()...)
		}
	}
	a.fresh = false
	return append(all, commit())
}

// alone runs statement i between the two writes of its row.
func (a *application) alone(ctx context.Context, i int, k kind) error {
	fingerprint := ""
	if k == ddl || k == executes {
		var err error
		if fingerprint, err = a.fingerprint(ctx, k, a.step.Statements[i].SQL); err != nil {
			return a.failure(ctx, i, err)
		}
	}
	var before []records.Request
	if a.fresh {
		before = a.beginning()
	}
	before = append(before, a.mark(a.step, i, false, fingerprint))
	after := []records.Request{a.markDone(i)}
	if k == ddl {
		a.group = none // it commits
	}
	if a.group == none {
		before = append([]records.Request{startTransaction()}, before...)
		after = append(after, commit())
	}
	if err := a.settle(ctx, before...); err != nil {
		return err
	}
	if err := a.run(ctx, i); err != nil {
		return a.halfway(ctx, i, k, fingerprint, err)
	}
	a.fresh = false
	if i+1 == len(a.step.Statements) && commitsItself(a.step.Statements[i].SQL) {
		after, a.recorded = transaction(a.end()), true
	}
	return a.settle(ctx, after...)
}

// rollBack runs a ROLLBACK of the file's own, which takes the rows of the
// statements before it back as well.
func (a *application) rollBack(ctx context.Context, i int) error {
	if err := a.run(ctx, i); err != nil {
		return err
	}
	var again []records.Request
	for j := a.group; j <= i; j++ {
		again = append(again, a.mark(a.step, j, true, ""))
	}
	if toSavepoint(a.step.Statements[i].SQL) {
		return a.settle(ctx, again...)
	}
	a.group = none
	return a.settle(ctx, transaction(again)...)
}

// try runs statement i.
func (a *application) try(ctx context.Context, i int) error {
	sql := a.step.Statements[i].SQL
	a.unsettled = a.unsettled || maySet(sql)
	a.separate = a.separate || sets(sql)
	a.step.At(i + 1)
	a.tried = max(a.tried, i+1)
	return a.watched(ctx, func(ctx context.Context) error { return a.exec(ctx, sql) })
}

// run runs statement i and words its error. After a definite refusal nothing is
// left of it; else what is recorded of it stays, for the next run to judge.
func (a *application) run(ctx context.Context, i int) error {
	err := a.try(ctx, i)
	if err == nil {
		return nil
	}
	undo := []records.Request{rollback()}
	if refused(err) {
		undo = append(undo, a.unmark(i))
	}
	if a.fresh {
		undo = append(undo, transaction(a.beginning())...)
		a.fresh = false
	}
	if e := a.settle(ctx, undo...); e != nil && refused(err) {
		err = e // the connection was lost: what there was to say, the next run will
	}
	return a.failure(ctx, i, err)
}
