package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
	"github.com/initbox/initbox/internal/fault"
)

// Apply implements migration.Driver.
func (d *driver) Apply(ctx context.Context, s *migration.Step) error {
	if d.altered {
		if err := d.configure(ctx); err != nil {
			return err
		}
	}
	d.altered = altersSession(s.Statements)
	parts := units(s)
	if first := parts[0]; len(parts) == 1 && !first.single && !first.alone && !first.undone && d.unfinished != s.Name {
		t := d.tables()
		t.Empty = true // another file's that was passed over is no harm
		return d.run(ctx, s, d.recorded(s, first, t.Changes(s.Change, s.Begin)))
	}
	return d.applyUnits(ctx, s, parts)
}

// applyUnits runs a file unit by unit, after what was done of it before.
func (d *driver) applyUnits(ctx context.Context, s *migration.Step, parts []unit) error {
	p, done, err := d.resume(ctx, s)
	if err != nil {
		return err
	}
	var before []records.Request // of the first unit
	if p.name == "" && s.Change.Version != nil {
		before = d.tables().SetVersion(*s.Change.Version, true)
	}
	if done == len(s.Statements) { // what failed was taken out of the file
		return d.record(ctx, s, d.tables().Changes(s.Change, s.Begin)...)
	}
	d.unfinished = s.Name // from here on, also for another try
	for i, u := range parts {
		if u.to <= done {
			continue
		}
		after := d.mark(s, u, true)
		if i == len(parts)-1 {
			after = d.tables().Changes(s.Change, s.Begin)
		}
		interrupted := p.begun != "" && p.begun == s.Statements[u.from].Hash()
		outside := u.alone || u.undone || u.single && interrupted
		if !outside {
			err = d.run(ctx, s, d.recorded(s, u, slices.Concat(before, after)))
			outside = u.single && refusesTransaction(err)
		}
		if outside {
			err = d.runOutside(ctx, s, u, interrupted, before, after)
		}
		if err != nil {
			return err
		}
		before, p.begun = nil, ""
	}
	d.unfinished = ""
	return nil
}

// resume reads the progress of s. What does not belong to the version that is
// dirty is left over. A seed that was changed begins anew: it is made to be repeated.
func (d *driver) resume(ctx context.Context, s *migration.Step) (p progress, done int, err error) {
	if p, err = d.readProgress(ctx); err != nil || p.name == "" {
		return p, 0, err
	}
	seed := s.Change.Version == nil
	if p.name == s.Name && (d.unfinished == s.Name || seed && p.version == migration.None) {
		done, err = migration.Resume(s, p.done)
		if err == nil || !seed {
			return p, done, err
		}
	}
	return progress{}, 0, d.record(ctx, s, d.tables().Forget())
}

// runOutside runs a unit that nothing can be recorded in, between two records. One
// that ends without COMMIT needs no record that it begins: a ROLLBACK may run twice,
// and a second PREPARE TRANSACTION is refused.
func (d *driver) runOutside(ctx context.Context, s *migration.Step, u unit, interrupted bool, before, after []records.Request) error {
	done := false
	switch {
	case interrupted && !u.undone:
		var err error
		if done, err = d.wasDone(ctx, s, u.from); err != nil {
			return err
		}
	case !u.undone:
		before = append(before, d.mark(s, u, false)...)
	}
	if len(before) > 0 {
		if err := d.record(ctx, s, before...); err != nil {
			return err
		}
	}
	if !done {
		if err := d.dropInvalid(ctx, s.Statements[u.from].SQL, interrupted); err != nil {
			return err
		}
		if err := d.run(ctx, s, u.requests(s)); err != nil {
			return err
		}
	}
	return d.record(ctx, s, after...)
}

// wasDone reports whether statement i, which an interrupted run began, was done.
func (d *driver) wasDone(ctx context.Context, s *migration.Step, i int) (bool, error) {
	st := s.Statements[i]
	if classify(st.SQL) == opaque {
		return false, fault.WithNext(
			fault.Finalf("%s, line %d (statement %d): a run was interrupted while this ran, or it failed behind a COMMIT of its own, and nobody can tell whether it was done", s.Name, st.Line, i+1),
			"look for what it does in the database; finish the file by hand and give --resolve-dirty, or undo it and give --resolve-dirty with not-applied")
	}
	return d.indexDone(ctx, st.SQL)
}

// requests returns what runs u.
func (u unit) requests(s *migration.Step) (all []request) {
	for i := u.from; i < u.to; i++ {
		all = append(all, request{records.Request{SQL: s.Statements[i].SQL}, i + 1})
	}
	return all
}

// recorded returns what runs u and records it in the same transaction.
func (d *driver) recorded(s *migration.Step, u unit, record []records.Request) []request {
	if d.altered { // the file may have become somebody who must not record
		record = append([]records.Request{{SQL: "RESET SESSION AUTHORIZATION"}, {SQL: "RESET ROLE"}}, record...)
	}
	all := u.requests(s)
	if u.explicit {
		return slices.Insert(all, len(all)-1, ours(record...)...)
	}
	return transaction(append(all, ours(record...)...))
}

// run sends requests in one go and rolls back if one of them fails. The server is
// asked to answer each of the file's at once, so that s.At knows which one runs.
func (d *driver) run(ctx context.Context, s *migration.Step, requests []request) error {
	p := d.conn.StartPipeline(ctx)
	failed, err := d.pipeline(p, s, requests)
	if err != nil && !d.conn.IsClosed() { // a lost connection is being closed by pgconn itself
		_ = p.Sync() // the server skips what follows an error up to here
	}
	if e := p.Close(); err == nil {
		err = e
	}
	if err == nil {
		return nil
	}
	if ctx.Err() == nil && d.conn.TxStatus() != 'I' {
		_ = d.exec(ctx, "ROLLBACK")
	}
	return d.failure(s, failed, err)
}

// pipeline returns the statement of the file that err is about, if it is.
func (d *driver) pipeline(p *pgconn.Pipeline, s *migration.Step, requests []request) (failed int, err error) {
	for len(requests) > 0 {
		chunk := requests[:chunkLen(requests)]
		requests = requests[len(chunk):]
		for _, r := range chunk {
			p.SendQueryParams(r.SQL, values(r.Args), nil, nil, nil)
			if r.statement > 0 {
				p.SendFlushRequest()
			}
		}
		if len(requests) == 0 {
			p.SendPipelineSync()
		} else {
			p.SendFlushRequest()
		}
		if err := p.Flush(); err != nil {
			return 0, err
		}
		for _, r := range chunk {
			if r.statement > 0 {
				s.At(r.statement)
			}
			result, err := p.GetResults()
			if answer, ok := result.(*pgconn.ResultReader); ok && err == nil {
				_, err = answer.Close()
			}
			if err != nil {
				return r.statement, err
			}
		}
	}
	return 0, nil
}

// chunkLen bounds what is sent before answers are read: it is in memory once more.
func chunkLen(requests []request) (n int) {
	for bytes := 0; n < min(len(requests), 1000) && bytes < 1<<20; n++ {
		bytes += len(requests[n].SQL)
	}
	return n
}

// failure words an error of the server. Statement is 0 for one that is not of the
// file: what is checked at the end of a transaction fails there.
func (d *driver) failure(s *migration.Step, statement int, err error) error {
	e := (*pgconn.PgError)(nil)
	if s == nil || !errors.As(err, &e) {
		return err
	}
	f := &migration.StatementError{File: s.Name, Statement: statement, Code: e.Code, Message: e.Message, Hint: cmp.Or(e.Hint, hints[e.Code]), Err: err}
	if statement > 0 {
		st := s.Statements[statement-1]
		f.Line = st.Line + newlines(st.SQL, int(e.Position))
	}
	return f
}

// hints are what to do about some errors, by SQLSTATE.
var hints = map[string]string{
	"42P06": migration.HintExists, // schema
	"42P07": migration.HintExists, // table, index
	"42701": migration.HintExists, // column
	"42710": migration.HintExists, // type, constraint, role
	"42723": migration.HintExists, // function
	"42501": migration.HintDenied,
}

// newlines counts the lines before the character at position, counted from 1.
func newlines(sql string, position int) (n int) {
	for _, c := range sql {
		if position--; position <= 0 {
			break
		}
		if c == '\n' {
			n++
		}
	}
	return n
}
