package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
	"github.com/initbox/initbox/internal/fault"
)

// resume finds out what was done of the file before.
func (a *application) resume(ctx context.Context) error {
	if err := a.reset(ctx); err != nil || a.noProgress {
		return err
	}
	p, err := a.readProgress(ctx)
	if err != nil || !p.any {
		return err
	}
	if p.of(a.step) {
		done, err := migration.Resume(a.step, p.done)
		switch {
		case err == nil:
			a.saved, a.begun = done, true
			return a.goOn(ctx, &p)
		case a.step.Change.Version != nil:
			return err
		} // a seed that was changed begins anew: it is made to be repeated
	}
	return a.send(ctx, a.tables().Forget())
}

// goOn makes the session what it was after the statements that are done, decides
// about the one that was under way, and looks whether the others can run.
func (a *application) goOn(ctx context.Context, p *progress) error {
	if err := a.send(ctx, a.header()); err != nil {
		return err
	}
	if a.saved < len(a.step.Statements) {
		if err := a.restore(ctx); err != nil {
			return err
		}
	}
	if p.begun != nil {
		if err := a.decide(ctx, p); err != nil {
			return err
		}
	}
	return a.checkLost()
}

// A verdict is what became of a statement that was begun.
type verdict int

const (
	unknown verdict = iota // only somebody who looks can tell
	notDone                // to run it does no harm
	wasDone
)

// decide decides about the statement after those that are done, which an earlier run
// began. It is an error if nobody can know.
func (a *application) decide(ctx context.Context, p *progress) error {
	i := a.saved
	if i == len(a.step.Statements) || p.begunHash != a.step.Statements[i].Hash() {
		return fault.WithNext(
			fault.Finalf("%s: statement %d was changed, but a run was interrupted while its old text ran, and it may have been done", a.step.Name, i+1),
			"restore the statement as it was, or finish by hand and record it with --resolve-dirty")
	}
	switch v, err := a.verdict(ctx, a.step.Statements[i].SQL, *p.begun); {
	case err != nil:
		return err
	case v == wasDone:
		return a.close(ctx, i+1, opaque)
	case v == unknown:
		return a.unknown(i)
	}
	return nil
}

// verdict compares the definition of what a statement is about with the fingerprint
// from before it.
func (a *application) verdict(ctx context.Context, sql, before string) (verdict, error) {
	k := classify(sql)
	switch {
	case k == commits || k == rollsBack: // recorded by an earlier version; there is nothing for it to end
		return notDone, nil
	case k != ddl && k != executes, !strings.HasPrefix(before, fingerprintFormat):
		return unknown, nil
	}
	now, exist, err := a.fingerprint(ctx, k, sql)
	switch {
	case err != nil:
		return unknown, err
	case now == before && !swaps(sql):
		return notDone, nil
	case now == before:
		return unknown, nil
	case exist > 0 && len(objects(sql)) > 1 && words(sql, 1)[0] == "DROP": // it drops one after the other
		return unknown, nil
	}
	return wasDone, nil
}

// swaps reports whether a statement may exchange tables, so that what was done leaves
// everything defined as it was, and would be undone by a second run.
func swaps(sql string) bool {
	w := words(sql, maxTokens)
	if i := slices.Index(w, "EXCHANGE"); i >= 0 && i+1 < len(w) && w[i+1] == "PARTITION" {
		return true
	}
	times := make(map[string]int)
	for _, o := range objects(sql) {
		times[strings.ToUpper(strings.ReplaceAll(o.name, "`", ""))]++
	}
	for _, n := range times {
		if n < 2 {
			return false
		}
	}
	return len(times) > 0 && w[0] == "RENAME" || w[0] == "SET" && slices.Contains(w, "RENAME")
}

// unknown is the error for statement i, of which nobody can know whether it was done.
func (a *application) unknown(i int) error {
	st, table := a.step.Statements[i], a.table(records.Progress)
	k, why := classify(st.SQL), "a run was interrupted while this ran, and nobody can tell whether it was done"
	if k == opaque || k == begins {
		why += ", or it failed after a COMMIT of its own"
	}
	var show []string
	for _, o := range objects(st.SQL) {
		show = append(show, "SHOW CREATE "+o.kind+" "+o.name)
	}
	next := strings.TrimSuffix("look in the database for what it does: "+strings.Join(show, ", "), ": ")
	if k != begins { // of which the row is not that of the whole transaction
		next += fmt.Sprintf(". If it was done: UPDATE %s SET done = 1 WHERE statement = %d", table, i+1)
	}
	next += fmt.Sprintf(". If nothing of it was: DELETE FROM %s WHERE statement = %d. Then run again", table, i+1)
	if v := a.step.Change.Version; v != nil {
		next += fmt.Sprintf("; or finish the file by hand and give --resolve-dirty %d=applied, or undo it and give --resolve-dirty %[1]d=not-applied", *v)
	}
	return fault.WithNext(fault.Finalf("%s, line %d (statement %d): %s", a.step.Name, st.Line, i+1, why), next)
}
