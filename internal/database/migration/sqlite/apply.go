package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	sqlite "modernc.org/sqlite"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
)

// Apply implements migration.Driver.
func (d *driver) Apply(ctx context.Context, s *migration.Step) error {
	if d.altered { // what a file sets in its session ends with the file
		if err := errors.Join(d.disconnect(), d.open(ctx, "rw")); err != nil {
			return err
		}
	}
	kinds := kindsOf(s.Statements)
	d.altered = altersSession(s.Statements)
	if migration.OneByOne(s.Text) {
		return d.applyOneByOne(ctx, s, kinds)
	}
	return d.applyWhole(ctx, s, kinds)
}

// applyWhole runs a file as one transaction.
func (d *driver) applyWhole(ctx context.Context, s *migration.Step, kinds []kind) error {
	o := outlineOf(kinds)
	for i := 0; i < o.from && kinds[i] == foreignKeys; i++ {
		if err := d.run(ctx, s, i); err != nil {
			return err
		}
	}
	return d.write(ctx, s.Change, s.Begin, func() error {
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
		return nil
	})
}

// violations counts the rows that violate foreign keys, by both tables. Only
// files that set foreign_keys pay for it.
func (d *driver) violations(ctx context.Context, check bool) (map[string]int, error) {
	if !check {
		return nil, nil
	}
	found := make(map[string]int)
	var refers string
	var n int
	r := records.Request{SQL: `SELECT "table" || ' that name ' || parent, count(*) FROM pragma_foreign_key_check GROUP BY 1`}
	err := d.query(ctx, r, func() { found[refers] = n }, &refers, &n)
	return found, err
}

// applyOneByOne runs a file statement by statement, after those that were done before.
func (d *driver) applyOneByOne(ctx context.Context, s *migration.Step, kinds []kind) error {
	done, err := d.resume(ctx, s)
	if err != nil {
		return err
	}
	for i, next := 0, 0; i < len(kinds); i = next {
		if next = i + 1; kinds[i] == begins {
			next += slices.Index(kinds[i:], commits)
		}
		switch k := kinds[i]; {
		case i >= done:
			err = d.unit(ctx, s, kinds, i, next)
		case k == foreignKeys, k == pragma, k == attach: // of the session, which is a new one
			err = d.run(ctx, s, i)
		}
		if err != nil {
			return err
		}
	}
	return d.write(ctx, s.Change, s.Begin, func() error { return nil })
}

// unit runs the statements from from up to to, which commit together, and records
// that they are done.
func (d *driver) unit(ctx context.Context, s *migration.Step, kinds []kind, from, to int) error {
	outside := kinds[from] != plain && kinds[from] != begins
	if outside {
		if err := poll(ctx, func() error { return d.run(ctx, s, from) }); err != nil {
			return err
		}
	}
	return d.transact(ctx, func() error {
		for i := from; i < to; i++ {
			if !outside && kinds[i] != begins && kinds[i] != commits {
				if err := d.run(ctx, s, i); err != nil {
					return err
				}
			}
			if err := d.exec(ctx, d.tables().Request(records.Progress, "INSERT OR REPLACE INTO $TABLE (statement, name, sha256) VALUES (?, '', ?)", i+1, s.Statements[i].Hash())); err != nil {
				return err
			}
		}
		return nil
	})
}

// resume returns how many statements of the file are done, or records that it
// begins. A seed that was changed begins anew: it is made to be repeated.
func (d *driver) resume(ctx context.Context, s *migration.Step) (done int, err error) {
	name, hashes, err := d.readProgress(ctx)
	if err != nil {
		return 0, err
	}
	version := s.Change.Version
	if name == s.Name && (version == nil || d.seen == row{*version, true}) {
		if done, err = migration.Resume(s, hashes); err == nil || version != nil {
			return done, err
		}
	}
	dirty := d.seen
	begin := []records.Request{d.tables().Forget()}
	if version != nil {
		dirty = row{*version, true}
		begin = append(begin, d.tables().SetVersion(*version, true)...)
	}
	begin = append(begin, d.tables().Request(records.Progress, "INSERT INTO $TABLE (statement, name, version, sha256) VALUES (0, ?, ?, ?)", s.Name, version, s.SHA256))
	return 0, d.replace(ctx, dirty, func() error { return d.exec(ctx, begin...) })
}

// readProgress returns the file that is half done, and the hashes of its statements
// that are done.
func (d *driver) readProgress(ctx context.Context) (name string, hashes []string, err error) {
	var file, hash string
	err = d.query(ctx, d.tables().Request(records.Progress, "SELECT name, sha256 FROM $TABLE ORDER BY statement"), func() {
		if file != "" { // statement 0
			name = file
		} else {
			hashes = append(hashes, hash)
		}
	}, &file, &hash)
	return name, hashes, err
}

// run runs statement i. The library interrupts it when ctx ends.
func (d *driver) run(ctx context.Context, s *migration.Step, i int) error {
	s.At(i + 1)
	st := s.Statements[i]
	err := d.exec(ctx, records.Request{SQL: st.SQL})
	e := (*sqlite.Error)(nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s, line %d (statement %d): interrupted: %w", s.Name, st.Line, i+1, ctx.Err())
	case !errors.As(err, &e):
		return fmt.Errorf("%s, line %d (statement %d): %w", s.Name, st.Line, i+1, err)
	}
	return &migration.StatementError{File: s.Name, Line: st.Line, Statement: i + 1, Code: fmt.Sprintf("code %d", e.Code()),
		Message: strings.TrimSuffix(e.Error(), fmt.Sprintf(" (%d)", e.Code())), Err: err}
}
