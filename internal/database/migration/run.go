package migration

import (
	"context"
	"fmt"
	"time"

	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/tasks"
)

// Options are what one run is to do. The zero value of each but Source is no wish.
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
// more was done: a migration that kills the server must not do so for ever.
const maxLosses = 5

// Run brings db to what o asks for. It connects again where the connection is
// lost and goes on from what the database then knows.
func Run(ctx context.Context, env *tasks.Env, db Database, o Options) error {
	source, first, err := begin(ctx, env, db, o)
	if err != nil {
		return err
	}
	for losses := 1; ; losses++ {
		done := env.Changes()
		err := session(ctx, env, db, o, source, first)
		first = nil
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
	}
}

// A look is a new connection and what the database said on it.
type look struct {
	drv   Driver
	state State
	err   error
}

// begin reads the files while it connects. Files that are not good end that: the
// database has only been looked at.
func begin(ctx context.Context, env *tasks.Env, db Database, o Options) (*source, *look, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	looked := make(chan *look, 1)
	go func() { looked <- connect(ctx, env, db) }()
	source, err := load(db, o)
	if err != nil {
		cancel()
	}
	first := <-looked
	if err != nil {
		first.close()
		return nil, nil, err
	}
	return source, first, nil
}

func connect(ctx context.Context, env *tasks.Env, db Database) *look {
	l := new(look)
	if l.drv, l.err = db.Open(ctx); l.err == nil {
		r := &run{env: env, drv: l.drv}
		l.state, l.err = r.state(ctx)
	}
	return l
}

func (l *look) close() {
	if l.drv != nil {
		_ = l.drv.Close() // it was only looked at
	}
}

// session is what Run does on one connection, the first one or a new one.
func session(ctx context.Context, env *tasks.Env, db Database, o Options, source *source, l *look) error {
	if l == nil {
		l = connect(ctx, env, db)
	}
	defer l.close()
	if l.err != nil {
		return l.err
	}
	drv, state := l.drv, l.state
	r := &run{env: env, db: db, drv: drv, opts: o, source: source}
	if !state.Dirty || env.DryRun { // dirty may be what another run is at just now: the lock will tell
		p, err := newPlan(source, &o, state)
		switch {
		case err != nil:
			return err
		case p.empty():
			r.report(p)
			return nil
		case env.DryRun:
			return r.perform(ctx, p)
		}
	}
	if err := r.lock(ctx); err != nil {
		return err
	}
	if err := r.locked(ctx); err != nil {
		return err // the lock goes with the connection
	}
	return drv.Unlock(ctx)
}

// A run is one connection's work.
type run struct {
	env    *tasks.Env
	db     Database
	drv    Driver
	opts   Options
	source *source
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

// locked does what is still to be done now that nobody else can do it.
func (r *run) locked(ctx context.Context) error {
	state, err := r.state(ctx)
	if err != nil {
		return err
	}
	p, err := newPlan(r.source, &r.opts, state)
	if err != nil {
		return err
	}
	if p.empty() {
		r.report(p)
		return nil
	}
	if err := r.drv.Prepare(ctx); err != nil {
		return fmt.Errorf("cannot create the tables that record migrations: %w", err)
	}
	if err := r.perform(ctx, p); err != nil {
		return err
	}
	return r.confirm(ctx, p)
}

// perform makes the changes of p.
func (r *run) perform(ctx context.Context, p *plan) error {
	for _, w := range p.warnings {
		r.env.Log.Warn(w)
	}
	if err := r.record(ctx, p); err != nil {
		return err
	}
	if err := r.migrate(ctx, p); err != nil {
		return err
	}
	for i := range p.seeds {
		if err := r.seed(ctx, &p.seeds[i]); err != nil {
			return err
		}
	}
	return nil
}

// record records what p knows without running anything.
func (r *run) record(ctx context.Context, p *plan) error {
	if f := p.fix; f != nil {
		err := r.env.Do(ctx, f.verb, f.target, func() error { return r.drv.Record(ctx, f.change) })
		if err != nil {
			return err
		}
	}
	if len(p.adopted) == 0 {
		return nil
	}
	target := text.Count(len(p.adopted), "migration", "migrations") + " that another tool applied"
	return r.env.Do(ctx, "adopt", target, func() error { return r.drv.Record(ctx, Change{Add: p.adopted}) })
}

// confirm compares what the database says in the end with what it should say.
func (r *run) confirm(ctx context.Context, p *plan) error {
	state, err := r.state(ctx)
	switch {
	case err != nil:
		return err
	case state.Dirty || state.Version != p.target:
		return fmt.Errorf("the database should be at %s and is at %s", versionName(p.target), versionName(state.Version))
	}
	r.env.Summarize(fmt.Sprintf("at %s, %s applied", versionName(p.target), text.Count(len(p.steps), "migration", "migrations")))
	r.env.Log.Info("done", "version", p.target, "migrations", len(p.steps), "seeds", len(p.seeds))
	return nil
}

func (r *run) report(p *plan) {
	for _, w := range p.warnings {
		r.env.Log.Warn(w)
		r.env.Summarize(w)
	}
	r.env.Summarize("nothing to do at " + versionName(p.current))
	r.env.Log.Info("nothing to do", "version", p.current)
}

func versionName(version int) string {
	if version == None {
		return "no version"
	}
	return fmt.Sprintf("version %d", version)
}

// A source is what the files say.
type source struct {
	migrations files.Migrations
	seeds      []files.File
	statements map[string][]Statement // of migrations, by name of the file
	seeding    map[string][]Statement // of seeds
}
