package migration

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/database"
)

// migrate lets golang-migrate run the steps of p, behind an adapter.
func (r *run) migrate(ctx context.Context, p *plan) error {
	if len(p.steps) == 0 {
		return nil
	}
	a := &adapter{ctx: ctx, run: r, plan: p, version: p.current}
	engine, err := migrate.NewWithInstance("initbox", nil, "initbox", a)
	if err != nil {
		return err
	}
	migrations := make([]*migrate.Migration, len(p.steps))
	for i, s := range p.steps {
		body := io.NopCloser(strings.NewReader(s.file.SQL))
		if migrations[i], err = migrate.NewMigration(body, s.file.Name, uint(s.migration.Version), s.version); err != nil {
			return err
		}
		migrations[i].BufferSize = smallBuffer
	}
	return errors.Join(engine.Run(migrations...), a.err)
}

// smallBuffer is what golang-migrate allocates for each file, instead of 100 kB:
// the files are in memory already.
const smallBuffer = 4096

// An adapter is the database.Driver of one engine.Run. That interface has no
// context, so the adapter holds the one of the run.
//
// After the first failure it takes what follows without doing anything:
// golang-migrate reads ahead in goroutines that end only when somebody takes
// what they have read.
type adapter struct {
	ctx     context.Context
	run     *run
	plan    *plan
	next    int // step
	version int
	err     error
}

var _ database.Driver = (*adapter)(nil)

// Version returns what the plan was made for, under the lock that is still held.
func (a *adapter) Version() (version int, dirty bool, err error) { return a.version, false, nil }

// SetVersion notes the version only: Run has written it, together with the migration.
func (a *adapter) SetVersion(version int, dirty bool) error {
	if !dirty {
		a.version = version
	}
	return nil
}

// Run makes the next step of the plan, of which sql is the text.
func (a *adapter) Run(sql io.Reader) error {
	if _, err := io.Copy(io.Discard, sql); err != nil { // it was parsed before anything ran
		return err
	}
	i := a.next
	a.next++
	if a.err == nil {
		a.err = a.run.step(a.ctx, a.plan, i)
	}
	return nil
}

// Lock does nothing: the lock is held for longer than the migrations, for what
// is recorded before and the seeds after them.
func (a *adapter) Lock() error { return nil }

// Unlock does nothing, see Lock.
func (a *adapter) Unlock() error { return nil }

// Close does nothing: who has opened the Driver closes it.
func (a *adapter) Close() error { return nil }

var errUnsupported = errors.New("not supported")

// Open is for names of registered drivers, of which this is none.
func (a *adapter) Open(string) (database.Driver, error) { return nil, errUnsupported }

// Drop never empties a database.
func (a *adapter) Drop() error { return errUnsupported }
