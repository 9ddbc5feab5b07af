package mysql

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/database/migration/records"
)

// batchFor is how long INSERTs share a transaction: long enough for a file of
// many thousands, and not so long that anybody waits for their locks.
const batchFor = 100 * time.Millisecond

// batch runs statement i, and INSERTs that follow an INSERT, in one transaction with
// what records them.
func (a *application) batch(ctx context.Context, i int, k kind) (next int, err error) {
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

// marked runs statement i between the two writes of its row: the first one is
// committed by the statement, if that commits.
func (a *application) marked(ctx context.Context, i int, k kind) (err error) {
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

// ownTransaction runs a transaction of the file, from BEGIN to its end, with what
// records it inside. BEGIN has a row of its own, as in marked: a CALL may commit.
func (a *application) ownTransaction(ctx context.Context, i int) (next int, err error) {
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
	var all []records.Request
	switch {
	case next < len(a.step.Statements), k == executes, k == opaque:
		all = append(a.markDone(a.saved, next), commit())
	case k == ddl: // it has ended the transaction
		all, a.ended = transaction(a.end()...), true
	default:
		all, a.ended = append(a.end(), commit()), true
	}
	if err := a.send(ctx, all...); err != nil {
		return err
	}
	a.saved, a.begun = next, true
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
	if e := a.send(ctx, all...); e != nil && refused(err) {
		err = e // the connection was lost: what there was to say, the next run will
	}
	return a.failure(ctx, i, err)
}
