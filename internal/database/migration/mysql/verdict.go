package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration/records"
	"github.com/initbox/initbox/internal/fault"
)

// A verdict is what became of a statement that was begun.
type verdict int

const (
	unknown verdict = iota
	notDone
	wasDone
)

// decide decides about the statement after those that are done, which an earlier run
// began. It is an error if nobody can know.
func (a *application) decide(ctx context.Context, p *progress) error {
	st := a.step.Statements[a.saved]
	if p.begunHash != st.Hash() {
		return fault.WithNext(
			fault.Finalf("%s: statement %d was changed, but a run was interrupted while its old text ran, and it may have been done", a.step.Name, a.saved+1),
			"restore the statement as it was, or finish by hand and record it with --resolve-dirty")
	}
	switch v, err := a.verdict(ctx, st.SQL, *p.begun); {
	case err != nil:
		return err
	case v == wasDone:
		return a.close(ctx, a.saved+1, opaque)
	case v == unknown:
		return a.unknown(a.saved)
	}
	return nil
}

// verdict compares how what the statement is about is defined with the fingerprint from before it.
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
	var names [2][]string // before and after TO
	for i, o := range objects(sql) {
		names[i%2] = append(names[i%2], strings.ToUpper(strings.ReplaceAll(o.name, "`", "")))
	}
	slices.Sort(names[0])
	slices.Sort(names[1])
	return slices.Contains(w, "RENAME") && (w[0] == "SET" || w[0] == "RENAME" && len(names[0]) > 0 && slices.Equal(names[0], names[1]))
}

// unknown is the error for statement i, of which nobody can know whether it was done.
func (a *application) unknown(i int) error {
	st := a.step.Statements[i]
	what := "what it does"
	for j, o := range objects(st.SQL) {
		if j == 0 {
			what += ": "
		} else {
			what += ", "
		}
		what += "SHOW CREATE " + o.kind + " " + o.name
	}
	why := "a run was interrupted while this ran, and nobody can tell whether it was done"
	if classify(st.SQL) == opaque {
		why += ", or it failed after a COMMIT of its own"
	}
	table, by := a.table(records.Progress), ""
	if v := a.step.Change.Version; v != nil {
		by = fmt.Sprintf("; or finish the file by hand and give --resolve-dirty %d=applied, or undo it and give --resolve-dirty %[1]d=not-applied", *v)
	}
	return fault.WithNext(
		fault.Finalf("%s, line %d (statement %d): %s", a.step.Name, st.Line, i+1, why),
		fmt.Sprintf("look in the database for %s. If it was done: UPDATE %s SET done = 1 WHERE statement = %d. If nothing of it was: DELETE FROM %[2]s WHERE statement = %[3]d. Then run again%s", what, table, i+1, by))
}
