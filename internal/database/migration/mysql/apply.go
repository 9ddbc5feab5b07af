package mysql

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// An application is one file on its way.
type application struct {
	*driver
	step  *migration.Step
	saved int  // statements that are recorded as done
	tried int  // statements that have run in this session, or begun to
	begun bool // it is recorded that the file begins; if not, its first transaction does that
	ended bool // it is recorded that the file was done, together with its last statement

	uses []use             // what the statements read and write in the session, if the file is resumed
	lost map[string]source // what an earlier session had and this one cannot have
}

// Apply implements migration.Driver. Another try, after one that a lock has ended,
// goes on in its session, as long as that has all its values.
func (d *driver) Apply(ctx context.Context, s *migration.Step) error {
	a := d.undone
	if d.undone = nil; a == nil || a.step != s || a.spoilt() {
		a = &application{driver: d, step: s}
		if err := a.resume(ctx); err != nil {
			return err
		}
		d.noProgress = false
	}
	for a.tried = a.saved; a.tried < len(s.Statements); {
		next, err := a.statement(ctx, a.tried)
		if err != nil {
			return err
		}
		a.tried = next
	}
	if !a.ended {
		if err := d.send(ctx, transaction(a.end()...)...); err != nil {
			return err
		}
	}
	d.noProgress = true
	if v := s.Change.Version; v != nil {
		d.row = *v != migration.None
	}
	return nil
}

// statement runs statement i, and may be some after it. It returns which comes next.
// What may run again in any session is recorded together with what comes after it.
func (a *application) statement(ctx context.Context, i int) (next int, err error) {
	switch k := classify(a.step.Statements[i].SQL); k {
	case locks, commits, rollsBack: // not run, as doc.go says
		return i + 1, nil
	case session:
		if useOf(a.step.Statements[i].SQL).repeats {
			return i + 1, a.run(ctx, i, i)
		}
		return a.runBatch(ctx, i, k)
	case begins:
		return a.runOwnTransaction(ctx, i)
	case plain, inserts, rollsBackTo:
		return a.runBatch(ctx, i, k)
	default:
		return i + 1, a.runMarked(ctx, i, k)
	}
}

// run runs statement i of a transaction that began with another one, first.
func (a *application) run(ctx context.Context, i, first int) error {
	if err := a.try(ctx, i); err != nil {
		return a.undo(ctx, i, first, err)
	}
	return nil
}

// try runs statement i and leaves the rest to its caller.
func (a *application) try(ctx context.Context, i int) error {
	sql := a.step.Statements[i].SQL
	a.touched = a.touched || maySet(sql)
	a.step.At(i + 1)
	a.tried = i + 1
	return a.watched(ctx, func(ctx context.Context) error { return a.exec(ctx, sql) })
}

// batchFor is how long INSERTs share a transaction: long enough for a file of
// many thousands, and not so long that anybody waits for their locks.
const batchFor = 100 * time.Millisecond

// runBatch runs statement i, and INSERTs that follow an INSERT, in one transaction with
// what records them.
func (a *application) runBatch(ctx context.Context, i int, k kind) (next int, err error) {
	if err := a.send(ctx, a.opening()...); err != nil {
		return i, err
	}
	began, statements, more := time.Now(), a.step.Statements, true
	for next = i; more; {
		if err = a.try(ctx, next); err != nil {
			break
		}
		next++
		more = k == inserts && next < len(statements) && time.Since(began) < batchFor && classify(statements[next].SQL) == inserts
	}
	if err == nil {
		return next, a.close(ctx, next, k)
	}
	if next > i && refused(err) && !undoes(err) { // those before it stay
		if err := a.close(ctx, next, k); err != nil {
			return i, err
		}
		return next, a.failure(ctx, next, err)
	}
	return i, a.undo(ctx, next, i, err)
}

// runMarked runs statement i between the two writes of its row: the first one is
// committed by the statement, if that commits.
func (a *application) runMarked(ctx context.Context, i int, k kind) (err error) {
	sql, fingerprint := a.step.Statements[i].SQL, ""
	if k == ddl || k == executes {
		if fingerprint, _, err = a.fingerprint(ctx, k, sql); err != nil {
			return a.failure(ctx, i, err)
		}
	}
	if err := a.send(ctx, append(a.opening(), a.markBegun(i, fingerprint)...)...); err != nil {
		return err
	}
	if err := a.run(ctx, i, i); err != nil {
		return a.partDone(ctx, i, k, fingerprint, err)
	}
	if k == ddl && !commitsItself(sql) {
		k = opaque
	}
	return a.close(ctx, i+1, k)
}

// runOwnTransaction runs a transaction of the file, from BEGIN to its end, with what
// records it inside. BEGIN has a row of its own, as in runMarked: a CALL may commit.
func (a *application) runOwnTransaction(ctx context.Context, i int) (next int, err error) {
	if err := a.run(ctx, i, i); err != nil {
		return i, err
	}
	if err := a.send(ctx, append(a.opening()[1:], a.markBegun(i, "")...)...); err != nil {
		return i, err
	}
	for next = i + 1; next < len(a.step.Statements); next++ {
		switch k := classify(a.step.Statements[next].SQL); k {
		case begins, ddl: // they commit
			return next, a.close(ctx, next, opaque)
		case commits:
			return next + 1, a.close(ctx, next+1, k)
		case rollsBack:
			if err := a.send(ctx, append([]records.Request{rollback()}, a.opening()...)...); err != nil {
				return next, err
			}
			return next + 1, a.close(ctx, next+1, k)
		case locks:
		default:
			if err := a.run(ctx, next, i); err != nil {
				return next, err
			}
		}
	}
	return next, a.close(ctx, next, opaque)
}

// opening opens a transaction, the first of which records that the file begins.
func (a *application) opening() []records.Request {
	all := []records.Request{startTransaction()}
	if !a.begun {
		all = append(all, a.beginning()...)
	}
	return all
}

// close ends a transaction, which was of some kind: it records that what is before
// next was done, or all of the file.
func (a *application) close(ctx context.Context, next int, k kind) error {
	all, ended := append(a.markDone(a.saved, next), commit()), false
	if next == len(a.step.Statements) && k != executes && k != opaque {
		all, ended = append(a.end(), commit()), true
		if k == ddl { // it has ended the transaction
			all = append([]records.Request{startTransaction()}, all...)
		}
	}
	if err := a.send(ctx, all...); err != nil {
		return err
	}
	a.saved, a.begun, a.ended = next, true, ended
	return nil
}

// undo takes a transaction back in which statement i has failed, and words its
// error. After a refusal nothing is left but what the statement has committed
// itself, which is for the next run to judge.
func (a *application) undo(ctx context.Context, i, first int, err error) error {
	all := append(a.opening(), a.markDone(a.saved, first)...)
	if k := classify(a.step.Statements[first].SQL); refused(err) && (k == ddl || k == executes) {
		all = append(all, a.forgetBegun(first))
	}
	all = append(append([]records.Request{rollback()}, all...), commit())
	switch e := a.send(ctx, all...); {
	case !refused(err):
	case e != nil:
		err = e // the connection was lost: what there was to say, the next run will
	default:
		a.saved, a.begun, a.undone = first, true, a
	}
	return a.failure(ctx, i, err)
}
