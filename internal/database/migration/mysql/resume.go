package mysql

import (
	"context"

	"github.com/initbox/initbox/internal/database/migration"
)

// resume finds out what was done of the file before.
func (a *application) resume(ctx context.Context) error {
	again := a.current == a.step // another try, in this very session
	if !again {
		if err := a.reset(ctx); err != nil {
			return err
		}
	}
	if a.noProgress {
		return nil
	}
	p, err := a.readProgress(ctx)
	if err != nil {
		return err
	}
	if p.of(a.step) {
		a.saved, err = migration.Resume(a.step, p.done)
		switch {
		case err == nil:
			a.begun = true
			return a.goOn(ctx, &p, again)
		case a.step.Change.Version != nil:
			return err
		}
		a.saved = 0 // a seed that was changed begins anew: it is made to be repeated
	}
	a.stale = p.any
	return a.reset(ctx)
}

// goOn makes the session what it was after the statements that are done, decides
// about the one that was under way, and looks whether the others can run.
func (a *application) goOn(ctx context.Context, p *progress, again bool) error {
	if err := a.send(ctx, a.header()); err != nil || a.saved == len(a.step.Statements) {
		return err
	}
	if err := a.restore(ctx, again); err != nil {
		return err
	}
	if p.begun != nil {
		if err := a.decide(ctx, p); err != nil {
			return err
		}
	}
	return a.checkLost()
}
