package postgres

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/fault"
)

// Apply implements migration.Driver.
func (d *driver) Apply(ctx context.Context, s *migration.Step) error {
	if d.unsettled {
		if err := d.configure(ctx); err != nil {
			return err
		}
	}
	d.unsettled = changesSession(s.Statements)
	parts := units(s)
	if len(parts) == 1 && !parts[0].single && !parts[0].alone && !parts[0].undone && d.unfinished != s.Name {
		return d.run(ctx, s, d.unit(s, parts[0], d.changes(s.Change, s.Begin)))
	}
	return d.continued(ctx, s, parts)
}

// unit returns the requests that run u and record it with it.
func (d *driver) unit(s *migration.Step, u unit, record []request) []request {
	var all []request
	for i := u.from; i < u.to; i++ {
		all = append(all, request{sql: s.Statements[i].SQL, statement: i + 1})
	}
	if d.unsettled { // the file may have become somebody who must not record
		record = append([]request{{sql: "RESET SESSION AUTHORIZATION"}, {sql: "RESET ROLE"}}, record...)
	}
	if u.explicit {
		last := len(all) - 1
		return append(append(all[:last:last], record...), all[last])
	}
	return transaction(append(all, record...))
}

// continued runs a file unit by unit, behind what was done of it before.
func (d *driver) continued(ctx context.Context, s *migration.Step, parts []unit) error {
	p, done, err := d.resume(ctx, s)
	if err != nil {
		return err
	}
	begun := p.name != ""
	d.unfinished = s.Name // from here on, also for another try
	for i, u := range parts {
		if u.to <= done {
			continue
		}
		var before, after []request
		if !begun && s.Change.Version != nil {
			before = d.versionRow(*s.Change.Version, true)
			begun = true
		}
		after = d.mark(s, u.from, u.to, true)
		if i == len(parts)-1 {
			after = append(d.changes(s.Change, s.Begin), d.forget())
		}
		again := p.begun != "" && p.begun == s.Statements[u.from].Hash()
		p.begun = ""
		u.alone = u.alone || again && u.single
		if !u.alone && !u.undone {
			err = d.run(ctx, s, d.unit(s, u, slices.Concat(before, after)))
			u.alone = u.single && refusesTransaction(err)
		}
		if u.alone || u.undone {
			err = d.aside(ctx, s, u, again, before, after)
		}
		if err != nil {
			return err
		}
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
	return progress{}, 0, d.run(ctx, s, []request{d.forget()})
}

// aside runs a unit that nothing can be recorded in, between two records.
func (d *driver) aside(ctx context.Context, s *migration.Step, u unit, again bool, before, after []request) error {
	statement := s.Statements[u.from].SQL
	skip := false
	if again {
		var err error
		if skip, err = d.wasDone(ctx, s, u); err != nil {
			return err
		}
	} else {
		before = append(before, d.mark(s, u.from, u.from+1, false)...)
	}
	if len(before) > 0 {
		if err := d.run(ctx, s, transaction(before)); err != nil {
			return err
		}
	}
	if u.alone && !skip {
		if err := d.dropInvalid(ctx, statement, again); err != nil {
			return err
		}
		s.At(u.from + 1)
		if err := d.conn.Exec(ctx, statement).Close(); err != nil {
			return d.failure(s, u.from+1, err)
		}
	}
	if u.undone && !again {
		if err := d.run(ctx, s, d.unit(s, u, nil)); err != nil {
			if sqlState(err) != "" && !d.conn.IsClosed() { // nothing is left of it
				_ = d.run(ctx, nil, []request{d.unmark(u.from)})
			}
			return err
		}
	}
	return d.run(ctx, s, transaction(after))
}

// chunk bounds what is sent before answers are read.
const (
	chunkRequests = 1000
	chunkBytes    = 1 << 20
)

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
	for sent := 0; sent < len(requests); {
		first, bytes := sent, 0
		for ; sent < len(requests) && sent-first < chunkRequests && bytes < chunkBytes; sent++ {
			r := requests[sent]
			p.SendQueryParams(r.sql, values(r.params), nil, nil, nil)
			if r.statement > 0 {
				p.SendFlushRequest()
			}
			bytes += len(r.sql)
		}
		if sent == len(requests) {
			p.SendPipelineSync()
		} else {
			p.SendFlushRequest()
		}
		if err := p.Flush(); err != nil {
			return 0, err
		}
		for _, r := range requests[first:sent] {
			if r.statement > 0 {
				s.At(r.statement)
			}
			if err := take(p); err != nil {
				return r.statement, err
			}
		}
	}
	return 0, nil
}

// take reads the answer to one request.
func take(p *pgconn.Pipeline) error {
	result, err := p.GetResults()
	if reader, ok := result.(*pgconn.ResultReader); ok && err == nil {
		_, err = reader.Close()
	}
	return err
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
func newlines(sql string, position int) int {
	n := 0
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

// wasDone reports whether the statement of u, which an earlier run began, was done.
func (d *driver) wasDone(ctx context.Context, s *migration.Step, u unit) (bool, error) {
	sql := s.Statements[u.from].SQL
	switch k := classify(sql); {
	case k == opaque || u.undone:
		return false, fault.WithNext(
			fault.Finalf("%s, line %d (statement %d): a run was interrupted while this ran, or it failed behind a COMMIT of its own, and nobody can tell whether it was done", s.Name, s.Statements[u.from].Line, u.from+1),
			"look for what it does in the database; finish the file by hand and give --resolve-dirty, or undo it and give --resolve-dirty with not-applied")
	default:
		return d.indexDone(ctx, sql)
	}
}
