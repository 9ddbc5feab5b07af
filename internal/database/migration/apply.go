package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/initbox/initbox/internal/fault"
)

const (
	nextLong    = "if the statement just takes long, raise --timeout; or see what it waits for (pg_blocking_pids of PostgreSQL, SHOW PROCESSLIST of MySQL)"
	nextCorrect = "correct the file and run again: what stands before that line was rolled back, or is recorded and not done twice"
	nextBlocked = "find the session that has the table and does not end (in PostgreSQL it is 'idle in transaction' in pg_stat_activity; in MySQL: SHOW PROCESSLIST), and end it"
)

// runFile runs the file of j and says when it starts, goes on and ends.
func (r *run) runFile(ctx context.Context, j *job) error {
	var at atomic.Int64 // statement
	s := &Step{
		Name: j.file.Name, SHA256: j.file.SHA256, Statements: r.scripts.statements[j.file.SHA256], Text: j.file.SQL, Change: j.change,
		Begin: time.Now(), At: func(statement int) { at.Store(int64(statement)) },
	}
	r.env.Log.Info("begin to "+j.verb, "target", j.target, "statements", len(s.Statements))
	ended, beat := make(chan struct{}), sync.WaitGroup{}
	beat.Go(func() { r.beat(s, &at, ended) })
	err := r.apply(ctx, s)
	close(ended)
	beat.Wait()
	if err != nil {
		return withNext(ctx, err)
	}
	r.env.Log.Info("done", "target", j.target, "took", time.Since(s.Begin).Round(time.Millisecond))
	return nil
}

// beat says now and then what a long file is at.
func (r *run) beat(s *Step, at *atomic.Int64, ended <-chan struct{}) {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return
		case <-ticker.C:
		}
		attrs := []any{"file", s.Name, "for", time.Since(s.Begin).Round(time.Second)}
		if n := int(at.Load()); n > 0 && n <= len(s.Statements) {
			attrs = append(attrs, "statement", n, "of", len(s.Statements), "line", s.Statements[n-1].Line)
		}
		r.env.Log.Info("still running", attrs...)
	}
}

// apply runs s until nobody is in its way.
func (r *run) apply(ctx context.Context, s *Step) error {
	pauses := pace(time.Second, 30*time.Second)
	var blocked error // by whom the last try was ended: what the deadline then cancels says less
	for {
		err := r.drv.Apply(ctx, s)
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil && blocked != nil:
			return blocked
		case ctx.Err() != nil || !r.db.Repeat(err):
			return err
		}
		blocked = fault.WithNext(fmt.Errorf("%w (tried until the deadline)", err), nextBlocked)
		wait := pauses.NextBackOff()
		r.env.Log.Warn("other sessions were in the way, trying again", "cause", err, "in", wait.Round(time.Millisecond))
		if !pause(ctx, wait) {
			return blocked
		}
	}
}

// withNext adds what to do about a file that did not come to its end.
func withNext(ctx context.Context, err error) error {
	switch f, refused := errors.AsType[*StatementError](err); {
	case fault.NextOf(err) != "":
		return err
	case refused && f.Hint != "":
		return fault.WithNext(err, f.Hint)
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return fault.WithNext(err, nextLong)
	case refused && ctx.Err() == nil:
		return fault.WithNext(err, nextCorrect)
	}
	return err
}
