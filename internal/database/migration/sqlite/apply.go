package sqlite

import (
	"context"
	"errors"
	"fmt"
	"strings"

	sqlite "modernc.org/sqlite"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// Apply implements migration.Driver.
func (d *driver) Apply(ctx context.Context, s *migration.Step) error {
	if err := d.reopen(ctx); err != nil {
		return err
	}
	kinds := kindsOf(s.Statements)
	for i, k := range kinds {
		d.unsettled = d.unsettled || k == foreignKeys || k == pragma || k == attach || k == alone || words(s.Statements[i].SQL)[1] == "TEMP" || words(s.Statements[i].SQL)[1] == "TEMPORARY"
	}
	if separate(s.Text) {
		return d.applySeparately(ctx, s, kinds)
	}
	return d.applyTogether(ctx, s, kinds)
}

// applyTogether runs a file as one transaction.
func (d *driver) applyTogether(ctx context.Context, s *migration.Step, kinds []kind) error {
	o := outlineOf(kinds)
	for i := range o.from {
		if kinds[i] == foreignKeys {
			if err := d.run(ctx, s, i); err != nil {
				return err
			}
		}
	}
	return d.write(ctx, func() error {
		before, err := d.violations(ctx, o.from > 0)
		if err != nil {
			return err
		}
		for i := o.from; i < o.to; i++ {
			if err := d.run(ctx, s, i); err != nil {
				return err
			}
		}
		after, err := d.violations(ctx, o.from > 0)
		if err != nil {
			return err
		}
		for refers, n := range after {
			if n > before[refers] {
				return &migration.StatementError{File: s.Name, Code: "foreign_key_check",
					Message: fmt.Sprintf("rows of %s refer to rows that do not exist: %d, before this file %d", refers, n, before[refers])}
			}
		}
		return d.record(ctx, s.Change, s.Begin)
	}, s.Change)
}

// violations counts the rows that violate foreign keys, by both tables. Only
// files that set foreign_keys pay for it.
func (d *driver) violations(ctx context.Context, check bool) (map[string]int, error) {
	if !check {
		return nil, nil
	}
	rows, err := d.conn.QueryContext(ctx, `SELECT "table" || ' that name ' || parent, count(*) FROM pragma_foreign_key_check GROUP BY 1`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := make(map[string]int)
	for rows.Next() {
		var refers string
		var n int
		if err := rows.Scan(&refers, &n); err != nil {
			return nil, err
		}
		found[refers] = n
	}
	return found, rows.Err()
}

// applySeparately runs a file statement by statement, behind those that were done
// before.
func (d *driver) applySeparately(ctx context.Context, s *migration.Step, kinds []kind) error {
	done, err := d.resume(ctx, s, kinds)
	if err != nil {
		return err
	}
	for i := done; i < len(kinds); i++ {
		last := i
		if kinds[i] == begins {
			for kinds[last] != commits {
				last++
			}
		}
		if err := d.unit(ctx, s, kinds, i, last); err != nil {
			return err
		}
		i = last
	}
	return d.write(ctx, func() error { return d.record(ctx, s.Change, s.Begin) }, s.Change)
}

// unit runs the statements from first to last, which commit together.
func (d *driver) unit(ctx context.Context, s *migration.Step, kinds []kind, first, last int) error {
	outside := kinds[first] != plain && kinds[first] != begins
	if outside {
		if err := poll(ctx, func() error { return d.run(ctx, s, first) }); err != nil {
			return err
		}
	}
	return d.transact(ctx, func() error {
		for i := first; i <= last; i++ {
			if !outside && kinds[i] != begins && kinds[i] != commits {
				if err := d.run(ctx, s, i); err != nil {
					return err
				}
			}
			if err := d.mark(ctx, s, i); err != nil {
				return err
			}
		}
		return nil
	})
}

// resume returns how many statements of the file are done, and sets in the session
// what they had set; or it notes that the file begins.
func (d *driver) resume(ctx context.Context, s *migration.Step, kinds []kind) (int, error) {
	name, hashes, err := d.readProgress(ctx)
	if err != nil {
		return 0, err
	}
	change := s.Change.Version
	if name == s.Name && (change == nil || d.seen == row{*change, true}) {
		done, err := migration.Resume(s, hashes)
		if err != nil && change != nil {
			return 0, err
		}
		for i := 0; i < done && err == nil; i++ {
			if kinds[i] == foreignKeys || kinds[i] == pragma || kinds[i] == attach {
				err = d.run(ctx, s, i)
			}
		}
		if err == nil || change != nil {
			return done, err
		} // a seed that was changed begins anew
	}
	err = d.transact(ctx, func() error {
		if err := d.compare(ctx); err != nil {
			return err
		}
		begin := []records.Request{d.tables().Forget()}
		if change != nil {
			begin = append(begin, d.tables().SetVersion(*change, true)...)
		}
		if err := d.all(ctx, begin); err != nil {
			return err
		}
		return d.exec(ctx, "INSERT INTO "+d.table(records.Progress)+" (statement, name, version, sha256) VALUES (0, ?, ?, ?)", s.Name, change, s.SHA256)
	})
	if err == nil && change != nil {
		d.seen = row{*change, true}
	}
	return 0, err
}

func (d *driver) readProgress(ctx context.Context) (name string, hashes []string, err error) {
	rows, err := d.conn.QueryContext(ctx, "SELECT statement, name, sha256 FROM "+d.table(records.Progress)+" ORDER BY statement")
	if err != nil {
		return "", nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var statement int
		var file, hash string
		if err := rows.Scan(&statement, &file, &hash); err != nil {
			return "", nil, err
		}
		if statement == 0 {
			name = file
		} else {
			hashes = append(hashes, hash)
		}
	}
	return name, hashes, rows.Err()
}

// run runs statement i. The library interrupts it when ctx ends.
func (d *driver) run(ctx context.Context, s *migration.Step, i int) error {
	s.At(i + 1)
	st := s.Statements[i]
	err := d.exec(ctx, st.SQL)
	e := (*sqlite.Error)(nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s, line %d (statement %d): interrupted: %w", s.Name, st.Line, i+1, ctx.Err())
	case !errors.As(err, &e):
		return fmt.Errorf("%s, line %d (statement %d): %w", s.Name, st.Line, i+1, err)
	}
	number := fmt.Sprintf("(%d)", e.Code())
	return &migration.StatementError{File: s.Name, Line: st.Line, Statement: i + 1, Code: "code " + strings.Trim(number, "()"),
		Message: strings.TrimSpace(strings.TrimSuffix(e.Error(), number)), Err: err}
}
