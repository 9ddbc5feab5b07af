package migration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/fault"
)

// step makes step i of p.
func (r *run) step(ctx context.Context, p *plan, i int) error {
	s := p.steps[i]
	change := Change{Version: &s.version}
	verb := "apply"
	if s.down {
		verb = "undo"
		change.Remove = []int{s.migration.Version}
	} else {
		change.Add = []Entry{{Kind: Applied, Version: s.migration.Version, Name: s.file.Name, SHA256: s.file.SHA256, Pod: r.opts.Pod}}
	}
	return r.do(ctx, verb, s.migration.String(), &Step{
		Name: s.file.Name, SHA256: s.file.SHA256, Statements: r.source.statements[s.file.Name], Text: s.file.SQL, Change: change,
	})
}

// seed runs one seed.
func (r *run) seed(ctx context.Context, f *files.File) error {
	return r.do(ctx, "seed", f.Name, &Step{
		Name: f.Name, SHA256: f.SHA256, Statements: r.source.seeding[f.Name], Text: f.SQL,
		Change: Change{Add: []Entry{{Kind: Seed, Name: f.Name, SHA256: f.SHA256, Pod: r.opts.Pod}}},
	})
}

// do runs one file and says when it starts, goes on and ends.
func (r *run) do(ctx context.Context, verb, target string, s *Step) error {
	err := r.env.Do(ctx, verb, target, func() error {
		var at atomic.Int64
		s.At = func(statement int) { at.Store(int64(statement)) }
		s.Begin = time.Now()
		r.env.Log.Info("begin to "+verb, "target", target, "statements", len(s.Statements))
		beating := r.beat(s, &at)
		err := r.apply(ctx, s)
		beating.stop()
		if err == nil {
			r.env.Log.Info("done", "target", target, "took", time.Since(s.Begin).Round(time.Millisecond))
		}
		return err
	})
	return withNext(ctx, err)
}

const (
	nextLong    = "if the statement just takes long, raise --timeout; or see what it waits for (pg_blocking_pids of PostgreSQL, SHOW PROCESSLIST of MySQL)"
	nextCorrect = "correct the file and run again: what stands before that line was rolled back, or is recorded and not done twice"
	nextBlocked = "find the session that has the table and does not end (in PostgreSQL it is 'idle in transaction' in pg_stat_activity; in MySQL: SHOW PROCESSLIST), and end it"
)

// withNext adds what to do about a file that did not come to its end.
func withNext(ctx context.Context, err error) error {
	f := (*StatementError)(nil)
	switch refused := errors.As(err, &f); {
	case err == nil || fault.NextOf(err) != "":
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

// The pace of repeating what other sessions were in the way of.
const (
	repeatFirst = time.Second
	repeatMost  = 30 * time.Second
)

// apply runs s until nobody is in its way.
func (r *run) apply(ctx context.Context, s *Step) error {
	pace := backoff.NewExponentialBackOff(backoff.WithInitialInterval(repeatFirst), backoff.WithMaxInterval(repeatMost), backoff.WithMaxElapsedTime(0))
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
		pause := pace.NextBackOff()
		r.env.Log.Warn("other sessions were in the way, trying again", "cause", err, "in", pause.Round(time.Millisecond))
		select {
		case <-ctx.Done():
			return blocked
		case <-time.After(pause):
		}
	}
}

// A beat says now and then what a long step is at. It costs a short one nothing.
type beat struct {
	mu    sync.Mutex
	timer *time.Timer // nil behind stop
}

func (r *run) beat(s *Step, at *atomic.Int64) *beat {
	b := new(beat)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer = time.AfterFunc(heartbeat, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.timer == nil {
			return
		}
		attrs := []any{"file", s.Name, "for", time.Since(s.Begin).Round(time.Second)}
		if n := int(at.Load()); n > 0 && n <= len(s.Statements) {
			attrs = append(attrs, "statement", n, "of", len(s.Statements), "line", s.Statements[n-1].Line)
		}
		r.env.Log.Info("still running", attrs...)
		b.timer.Reset(heartbeat)
	})
	return b
}

func (b *beat) stop() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.timer.Stop()
	b.timer = nil
}
