package sqlite

import (
	"context"
	"time"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/records"
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
	return d.all(ctx, d.tables().Changes(c, begin))
}

func (d *driver) all(ctx context.Context, requests []records.Request) error {
	for _, r := range requests {
		if err := d.exec(ctx, r.SQL, r.Args...); err != nil {
			return err
		}
	}
	return nil
}

func (d *driver) tables() records.Tables {
	return records.Tables{Name: d.table, Now: "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"}
}

// mark records statement i of s, counted from 0, as done.
func (d *driver) mark(ctx context.Context, s *migration.Step, i int) error {
	return d.exec(ctx, "INSERT OR REPLACE INTO "+d.table(records.Progress)+" (statement, name, sha256) VALUES (?, '', ?)", i+1, s.Statements[i].Hash())
}
