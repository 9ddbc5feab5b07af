package mysql

import (
	"context"

	"github.com/initbox/initbox/internal/database/migration"
)

// An application is one file on its way.
type application struct {
	*driver
	step  *migration.Step
	saved int  // statements that are recorded as done
	begun bool // it is recorded that the file begins; if not, its first transaction does that
	stale bool // and forgets what is recorded of another file
	ended bool // it is recorded that the file was done, together with its last statement

	uses []use             // what the statements read and write in the session, if the file is resumed
	lost map[string]source // what an earlier session had and this one cannot have
}

// Apply implements migration.Driver.
func (d *driver) Apply(ctx context.Context, s *migration.Step) error {
	a := &application{driver: d, step: s}
	if err := a.resume(ctx); err != nil {
		return err
	}
	d.noProgress, d.current, d.tried = false, s, a.saved
	for next := a.saved; next < len(s.Statements); {
		var err error
		if next, err = a.statement(ctx, next); err != nil {
			return err
		}
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
// What only works on the session is recorded together with what comes after it.
func (a *application) statement(ctx context.Context, i int) (next int, err error) {
	switch k := classify(a.step.Statements[i].SQL); k {
	case locks, commits, rollsBack: // not run, as doc.go says
		return i + 1, nil
	case session, rollsBackTo:
		return i + 1, a.run(ctx, i, i)
	case begins:
		return a.ownTransaction(ctx, i)
	case plain, inserts:
		return a.batch(ctx, i, k)
	default:
		return i + 1, a.marked(ctx, i, k)
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
	a.tried = max(a.tried, i+1)
	return a.watched(ctx, func(ctx context.Context) error { return a.exec(ctx, sql) })
}
