package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	sqlite "modernc.org/sqlite"

	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/fault"
)

// Options say where things are recorded.
type Options struct {
	Path  string // of the database
	Table string // golang-migrate's
}

// Connect opens the file in a mode of SQLite's URIs: "rw", or "rwc" to create it.
type Connect func(mode string, params url.Values) (*sql.DB, error)

type driver struct {
	connect Connect
	opts    Options
	pool    *sql.DB
	conn    *sql.Conn // nil while the file does not exist
	folder  *os.File  // that the lock is on

	seen    row  // the version as it was when the schedule was made
	altered bool // a file has set something in the session
}

// row is that of golang-migrate's table.
type row struct {
	version int
	dirty   bool
}

// Open opens the file if it exists. Else it is created when something is to be
// written into it.
func Open(ctx context.Context, connect Connect, o Options) (migration.Driver, error) {
	folder := filepath.Dir(o.Path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fault.Usagef("there is no folder %s for the database: check the path, and that its volume is mounted", folder)
	}
	d := &driver{connect: connect, opts: o}
	if err := d.open(ctx, "rw"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return d, nil
}

func (d *driver) open(ctx context.Context, mode string) error {
	if d.conn != nil {
		return nil
	}
	if mode != "rwc" {
		if _, err := os.Stat(d.opts.Path); err != nil {
			return err
		}
	}
	pool, err := d.connect(mode, nil)
	if err != nil {
		return err
	}
	if d.conn, err = pool.Conn(ctx); err != nil {
		pool.Close()
	}
	d.pool = pool
	return err
}

// Close implements migration.Driver.
func (d *driver) Close() error { return errors.Join(d.disconnect(), d.Unlock(context.Background())) }

func (d *driver) disconnect() error {
	if d.conn == nil {
		return nil
	}
	err := errors.Join(d.conn.Close(), d.pool.Close())
	d.conn, d.pool = nil, nil
	return err
}

// TryLock implements migration.Driver.
func (d *driver) TryLock(ctx context.Context) (bool, error) {
	if d.folder == nil {
		path, err := filepath.EvalSymlinks(d.opts.Path)
		if err != nil { // it does not exist yet
			path = d.opts.Path
		}
		if d.folder, err = os.Open(filepath.Dir(path)); err != nil {
			return false, err
		}
	}
	if err := syscall.Flock(int(d.folder.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	} // any other error is that of a volume without locks: the transactions do
	return true, d.open(ctx, "rwc")
}

// Holder implements migration.Driver.
func (d *driver) Holder(context.Context) (string, error) {
	return "another process has locked the folder " + filepath.Dir(d.opts.Path), nil
}

// Unlock implements migration.Driver.
func (d *driver) Unlock(context.Context) error {
	if d.folder == nil {
		return nil
	}
	err := d.folder.Close()
	d.folder = nil
	return err
}

// table returns the quoted name of the version table, or of one of the side tables. A file
// may ATTACH databases that have one as well.
func (d *driver) table(suffix string) string {
	return `main."` + strings.ReplaceAll(d.opts.Table+suffix, `"`, `""`) + `"`
}

// isBusy reports whether err says that somebody else has SQLite's lock: the
// primary result code is SQLITE_BUSY (https://sqlite.org/rescode.html).
func isBusy(err error) bool {
	e := (*sqlite.Error)(nil)
	return errors.As(err, &e) && e.Code()&0xff == 5
}

// poll calls f until nobody is in its way.
func poll(ctx context.Context, f func() error) error {
	for pause := 2 * time.Millisecond; ; pause = min(2*pause, 50*time.Millisecond) {
		err := f()
		if !isBusy(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// errMoved is returned when somebody else, who does not know the lock of the
// folder, has changed the version since the schedule was made.
var errMoved = errors.New("another tool has migrated this database meanwhile")

// Lost implements migration.Database: a new session makes a new schedule.
func Lost(err error) bool { return errors.Is(err, errMoved) }

// Repeat implements migration.Database: what passes is waited for here.
func Repeat(error) bool { return false }
