package sqlite

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/migration"
)

// Record implements migration.Driver.
func (d *driver) Record(ctx context.Context, c migration.Change) error {
	return d.write(ctx, func() error { return d.record(ctx, c, time.Time{}) }, c)
}

// write is a transaction that ends with the version of c.
func (d *driver) write(ctx context.Context, f func() error, c migration.Change) error {
	err := d.transact(ctx, func() error {
		if err := d.compare(ctx); err != nil {
			return err
		}
		return f()
	})
	if err == nil && c.Version != nil {
		d.seen = row{version: *c.Version}
	}
	return err
}

// compare holds the version against the one that the plan was made for.
func (d *driver) compare(ctx context.Context) error {
	now, err := d.current(ctx)
	if err == nil && now != d.seen {
		err = errMoved
	}
	return err
}

// record writes c and forgets the progress.
func (d *driver) record(ctx context.Context, c migration.Change, begin time.Time) error {
	if c.Version != nil {
		if err := d.setVersion(ctx, row{version: *c.Version}); err != nil {
			return err
		}
	}
	history := d.table(historySuffix)
	for _, version := range c.Remove {
		if err := d.exec(ctx, "DELETE FROM "+history+" WHERE kind <> 'seed' AND version = ?", version); err != nil {
			return err
		}
	}
	var elapsed time.Duration
	if !begin.IsZero() {
		elapsed = time.Since(begin)
	}
	for _, e := range c.Add {
		same, key := "kind <> 'seed' AND version = ?", any(e.Version)
		if e.Kind == migration.Seed {
			same, key = "kind = 'seed' AND name = ?", any(e.Name)
		}
		if err := d.exec(ctx, "DELETE FROM "+history+" WHERE "+same, key); err != nil {
			return err
		}
		at, took := any(time.Now().UTC().Format(time.RFC3339Nano)), elapsed.Milliseconds()
		if e.Kind == migration.Baseline { // nobody knows when
			at, took = nil, 0
		}
		err := d.exec(ctx, "INSERT INTO "+history+" (kind, version, name, sha256, applied_at, duration_ms, pod) VALUES (?, ?, ?, ?, ?, ?, ?)",
			string(e.Kind), e.Version, e.Name, e.SHA256, at, took, e.Pod)
		if err != nil {
			return err
		}
	}
	return d.exec(ctx, "DELETE FROM "+d.table(progressSuffix))
}

// setVersion writes golang-migrate's row.
func (d *driver) setVersion(ctx context.Context, r row) error {
	err := d.exec(ctx, "DELETE FROM "+d.table(""))
	if err == nil && (r.version != migration.None || r.dirty) {
		err = d.exec(ctx, "INSERT INTO "+d.table("")+" (version, dirty) VALUES (?, ?)", r.version, r.dirty)
	}
	return err
}

// mark records statement i of s, counted from 0, as done.
func (d *driver) mark(ctx context.Context, s *migration.Step, i int) error {
	return d.exec(ctx, "INSERT OR REPLACE INTO "+d.table(progressSuffix)+" (statement, name, sha256) VALUES (?, '', ?)", i+1, s.Statements[i].Hash())
}
