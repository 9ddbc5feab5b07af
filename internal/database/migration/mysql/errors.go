package mysql

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/database/migration"
)

// Numbers of errors that something is done about.
const (
	recordChanged   = 1020 // under innodb_snapshot_isolation
	shutdown        = 1053
	syntaxError     = 1064
	noSuchTable     = 1146
	lockWaitTimeout = 1205
	lockTableFull   = 1206
	deadlock        = 1213
	interrupted     = 1317
	killed          = 1927
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

func number(err error) int {
	if e := (*mysql.MySQLError)(nil); errors.As(err, &e) {
		return int(e.Number)
	}
	return 0
}

// refused reports whether err is a definite answer of the server, after which
// nothing is left of the statement that a rollback does not undo, a DDL of several
// objects apart (see partDone).
func refused(err error) bool {
	return number(err) != 0 && !slices.Contains([]int{shutdown, interrupted, killed}, number(err))
}

// Repeat implements migration.Database.
func Repeat(err error) bool {
	return slices.Contains([]int{lockWaitTimeout, deadlock, recordChanged}, number(err))
}

// undoes reports whether the server may have rolled back with err what the
// transaction did before as well.
func undoes(err error) bool { return Repeat(err) || number(err) == lockTableFull }

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

// partDone adds to err, for which the server has refused DDL, whether a part of it
// was done all the same: DROP TABLE a, b drops a although it may not drop b.
func (a *application) partDone(ctx context.Context, i int, k kind, before string, err error) error {
	f := (*migration.StatementError)(nil)
	if before == "" || !errors.As(err, &f) {
		return err
	}
	now, _, e := a.fingerprint(ctx, k, a.step.Statements[i].SQL)
	if e == nil && now != before {
		f.Message += "; a part of the statement was done before"
		f.Hint = "see what is left to do in the database, and correct the statement so that it does that; or finish the file by hand and give --resolve-dirty"
	}
	return err
}
