package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"sync"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/fault"
)

// hints are what to do about some errors, by number.
var hints = map[uint16]string{
	1050: migration.HintExists, // table
	1060: migration.HintExists, // column
	1061: migration.HintExists, // key
	1304: migration.HintExists, // procedure, function
	1044: migration.HintDenied,
	1142: migration.HintDenied,
}

// atLine is the end of the server's message about syntax.
var atLine = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`at line (\d+)$`) })

// failure words an error of statement i.
func (a *application) failure(ctx context.Context, i int, err error) error {
	st := a.step.Statements[i]
	if e := ctx.Err(); e != nil {
		return fmt.Errorf("%s, line %d (statement %d): interrupted: %w", a.step.Name, st.Line, i+1, e)
	}
	e := (*mysql.MySQLError)(nil)
	if !errors.As(err, &e) || !refused(err) {
		return fmt.Errorf("%s, line %d (statement %d): %w", a.step.Name, st.Line, i+1, err)
	}
	f := &migration.StatementError{File: a.step.Name, Line: st.Line, Statement: i + 1,
		Code: fmt.Sprintf("error %d, SQLSTATE %s", e.Number, e.SQLState[:]), Message: e.Message, Hint: hints[e.Number], Err: err}
	if e.Number == syntaxError { // the message repeats the statement
		f.Message = "the server does not understand the statement"
		if m := atLine().FindStringSubmatch(e.Message); m != nil {
			n, _ := strconv.Atoi(m[1])
			f.Line += n - 1
		}
	}
	return f
}

// wasDone reports whether statement i, which an earlier run began, was done.
func (a *application) wasDone(ctx context.Context, i int, k kind, before string) (bool, error) {
	st := a.step.Statements[i]
	if ends(k, st.SQL) { // begun by a version of initbox that ran it; what is before it is recorded as done
		return false, nil
	}
	if k == ddl || k == executes {
		changed, err := a.changed(ctx, k, st.SQL, before)
		switch {
		case err != nil:
			return false, err
		case changed:
			return true, a.settle(ctx, a.markDone(i))
		case !blind(st.SQL):
			return false, nil
		}
	}
	return false, fault.WithNext(
		fault.Finalf("%s, line %d (statement %d): a run was interrupted while this ran, and nobody can tell whether it was done", a.step.Name, st.Line, i+1),
		"look for what it does in the database; finish the file by hand and give --resolve-dirty, or undo it and give --resolve-dirty with not-applied")
}

// halfway adds to err, for which the server has refused DDL, whether a part of it
// was done all the same: DROP TABLE a, b drops a although it may not drop b.
func (a *application) halfway(ctx context.Context, i int, k kind, before string, err error) error {
	f := (*migration.StatementError)(nil)
	if k != ddl && k != executes || !errors.As(err, &f) {
		return err
	}
	now, e := a.fingerprint(ctx, k, a.step.Statements[i].SQL)
	if e == nil && now != before {
		f.Message += "; a part of the statement was done before"
		f.Hint = "see what is left to do in the database, and correct the statement so that it does that; or finish the file by hand and give --resolve-dirty"
	}
	return err
}
