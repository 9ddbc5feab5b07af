package migration

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/tasks"
)

// Options are what one run is to do. Only Source must be set.
type Options struct {
	Source string // folder of the migrations
	Seeds  string // folder of the seeds, "" for none

	To       *int // up to this version instead of the newest
	DownTo   *int // undo what is above this version; 0 undoes everything
	Baseline *int // a database without version has this one
	Resolve  *Resolution

	LockTimeout     time.Duration // bound of the wait for the lock, 0 for none but the context
	Strict          bool          // what is a warning otherwise is an error
	AllowOutOfOrder bool
	Pod             string // who it was, for the history
}

// A Resolution says what somebody found out about a dirty version.
type Resolution struct {
	Version int
	Applied bool // the schema is that of Version, or else that of the one before
}

// maxLosses is how often the connection may be lost in a row before anything
// more was done: a migration that kills the server must not do so forever.
const maxLosses = 5

// Run brings db to what o asks for. It connects again where the connection is
// lost and goes on from what the database then knows.
func Run(ctx context.Context, env *tasks.Env, db Database, o Options) error {
	connecting, cancel := context.WithCancel(ctx)
	defer cancel()
	first := sync.OnceValues(func() (Driver, error) { return db.Open(connecting) })
	go func() { _, _ = first() }() // it takes its time, in which the files are read
	s, err := load(connecting, db, &o)
	if err != nil {
		cancel()
		if drv, failed := first(); failed == nil {
			_ = drv.Close() // the files are what is wrong
		}
		return err
	}
	open := first
	for losses := 1; ; losses++ {
		done := env.Changes()
		err := session(ctx, &run{env: env, db: db, opts: &o, scripts: s}, open)
		if err == nil || ctx.Err() != nil || !db.Lost(err) {
			return err
		}
		if env.Changes() > done {
			losses = 1
		}
		if losses == maxLosses {
			return fmt.Errorf("the connection was lost %d times in a row: %w", losses, err)
		}
		env.Log.Warn("connection lost, connecting again", "cause", err)
		open = func() (Driver, error) { return db.Open(ctx) }
	}
}

// A run is the work of one connection.
type run struct {
	env     *tasks.Env
	db      Database
	drv     Driver
	opts    *Options
	scripts *scripts
}

// session does what is to be done, on one connection.
func session(ctx context.Context, r *run, open func() (Driver, error)) (err error) {
	if r.drv, err = open(); err != nil {
		return err
	}
	defer r.drv.Close() // which gives up the lock, too
	state, err := r.state(ctx)
	if err != nil {
		return err
	}
	if !state.Dirty || r.env.DryRun { // dirty may be what another run is at just now: the lock will tell
		s, err := newSchedule(r.scripts, r.opts, state)
		switch {
		case err != nil:
			return err
		case len(s.jobs) == 0:
			r.nothingToDo(s)
			return nil
		case r.env.DryRun:
			return r.perform(ctx, s)
		}
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err := r.locked(ctx); err != nil {
		return err
	}
	return r.drv.Unlock(ctx)
}

// locked does what is still to be done now that nobody else can do it, and compares
// what the database then says with what it should say.
func (r *run) locked(ctx context.Context) error {
	state, err := r.state(ctx)
	if err != nil {
		return err
	}
	s, err := newSchedule(r.scripts, r.opts, state)
	if err != nil {
		return err
	}
	if len(s.jobs) == 0 {
		r.nothingToDo(s)
		return nil
	}
	if err := r.drv.Prepare(ctx); err != nil {
		return fmt.Errorf("cannot create the tables that record migrations: %w", err)
	}
	if err := r.perform(ctx, s); err != nil {
		return err
	}
	switch state, err = r.state(ctx); {
	case err != nil:
		return err
	case state.Dirty || state.Version != s.to:
		return fmt.Errorf("the database should be at %s and is at %s", versionName(s.to), versionName(state.Version))
	}
	r.env.Summarize(fmt.Sprintf("at %s, %s applied", versionName(s.to), text.Count(s.migrations, "migration", "migrations")))
	r.env.Log.Info("done", "version", s.to, "migrations", s.migrations, "seeds", s.seeds)
	return nil
}

// state reads what the database knows.
func (r *run) state(ctx context.Context) (State, error) {
	r.env.Doing("reading the version of the database")
	state, err := r.drv.State(ctx)
	if err != nil {
		err = fmt.Errorf("cannot read the version of the database: %w", err)
	}
	return state, err
}

// perform does the jobs of s, each of which is one change.
func (r *run) perform(ctx context.Context, s *schedule) error {
	for _, w := range s.warnings {
		r.env.Log.Warn(w)
	}
	for _, j := range s.jobs {
		err := r.env.Do(ctx, j.verb, j.target, func() error {
			if j.file == nil {
				return r.drv.Record(ctx, j.change)
			}
			return r.runFile(ctx, j)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) nothingToDo(s *schedule) {
	for _, w := range s.warnings {
		r.env.Log.Warn(w)
		r.env.Summarize(w)
	}
	r.env.Summarize("nothing to do at " + versionName(s.from))
	r.env.Log.Info("nothing to do", "version", s.from)
}
