package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/fault"
)

// A source is the statement that gave something a value in an earlier session, and
// what: "" for a variable of the server.
type source struct {
	statement int
	name      string
}

// restore makes the session what it was after the statements that are done. What it
// cannot have again is lost.
func (a *application) restore(ctx context.Context) error {
	a.uses, a.lost = usesOf(a.step.Statements), make(map[string]source)
	for i := range a.uses[:a.saved] {
		if err := a.repeat(ctx, i, &a.uses[i]); err != nil {
			return err
		}
	}
	for name := range a.lost {
		if user, ok := strings.CutPrefix(name, "@"); ok { // a trigger must not find an older value
			if err := a.exec(ctx, "SET @"+quote(user)+" = NULL"); err != nil {
				return err
			}
		}
	}
	return nil
}

// spoilt reports whether statements that were undone have left other values in the
// session than they found, or may have committed. The last one of them has failed,
// and an INSERT that fails leaves LAST_INSERT_ID() as it was.
func (a *application) spoilt() bool {
	if a.uses == nil {
		a.uses = usesOf(a.step.Statements)
	}
	undone := a.uses[a.saved:max(a.saved, a.tried)]
	read, inserted := false, false
	for i, u := range undone {
		if u.sets || u.kind == opaque || u.kind == executes && len(undone) > 1 || slices.ContainsFunc(u.writes, func(name string) bool { return name != lastInsertID }) {
			return true
		}
		read = read || !inserted && slices.Contains(u.reads, lastInsertID)
		inserted = inserted || i+1 < len(undone) && len(u.writes) > 0
	}
	return read && inserted
}

// repeat runs statement i again, which is done, if that is all it does in the
// session. If it would do something else there now, what it wrote is lost.
func (a *application) repeat(ctx context.Context, i int, u *use) error {
	from, lost := a.lostIn(u)
	if u.repeats && !lost {
		err := a.try(ctx, i)
		if err == nil {
			for _, name := range u.writes {
				delete(a.lost, name)
			}
			return nil
		}
		if u.sets || !refused(err) {
			return a.failure(ctx, i, err)
		}
	}
	if u.sets {
		return a.lostError(source{statement: i}, i)
	}
	for _, name := range u.writes {
		a.lost[name] = source{i, name}
		if u.repeats && lost {
			a.lost[name] = from
		}
	}
	return nil
}

// lostIn finds something lost that a statement reads.
func (a *application) lostIn(u *use) (from source, lost bool) {
	for _, name := range u.reads {
		if from, lost = a.lost[name]; lost {
			return from, true
		}
	}
	if u.kind == opaque {
		for name, s := range a.lost {
			if name[0] == '@' && (!lost || s.statement < from.statement) {
				from, lost = s, true
			}
		}
	}
	return from, lost
}

// checkLost looks for a statement, of those still to be done, that reads what is lost.
func (a *application) checkLost() error {
	for i := a.saved; i < len(a.step.Statements) && len(a.lost) > 0; i++ {
		u := &a.uses[i]
		if from, lost := a.lostIn(u); lost {
			return a.lostError(from, i)
		}
		if u.kind != executes && u.kind != opaque {
			for _, name := range u.writes {
				delete(a.lost, name)
			}
		}
	}
	return nil
}

// lostError is the error for a statement, reader, that needs a value that cannot be had again.
func (a *application) lostError(from source, reader int) error {
	otherwise := "finish the file by hand and give --resolve-dirty"
	if v := a.step.Change.Version; v == nil {
		otherwise = "change a statement of the seed that was done, if only by a comment inside it: then it begins anew"
	}
	st, line, name := a.step.Statements[from.statement], a.step.Statements[reader].Line, strings.ToLower(from.name)
	if name == "" {
		return fault.WithNext(
			fault.Finalf("%s: what statement %d (line %d) sets, it has set in an earlier try, and its value cannot be had again", a.step.Name, from.statement+1, st.Line),
			otherwise)
	}
	value := "SET " + name + " = ..."
	if name[0] != '@' {
		value = "it in place of " + name
	}
	next := fmt.Sprintf("look for the value in the database and write %s into the file before line %d (or statement %d once more, if it would find the same), and after it again what was made of it (SET, PREPARE); or %s",
		value, line, from.statement+1, otherwise)
	return fault.WithNext(
		fault.Finalf("%s, line %d (statement %d): it needs %s, which statement %d (line %d) made in an earlier try, and that value cannot be had again",
			a.step.Name, line, reader+1, name, from.statement+1, st.Line),
		next)
}
