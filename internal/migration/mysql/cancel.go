package mysql

import (
	"context"
	"fmt"
	"time"

	"github.com/initbox/initbox/internal/migration/records"
)

// How a statement ends whose context is done: KILL QUERY is sent every killEvery,
// since it does nothing between two statements, and killFor is as long as the
// statement has to end. After that the connection is closed under it. settleFor is
// what it may take to write down how it ended.
const (
	killEvery = 50 * time.Millisecond
	killFor   = 2 * time.Second
	settleFor = 2 * time.Second
)

// watched calls run with a context that does not end with ctx: at the end of a
// context the library closes the connection and leaves the statement running.
func (d *driver) watched(ctx context.Context, run func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	own, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	ended, done := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		d.kill(own, ended, drop)
	})
	err := run(own)
	close(ended)
	if !stop() {
		<-done // a KILL that is on its way must not hit what comes next
	}
	return err
}

func (d *driver) kill(ctx context.Context, ended <-chan struct{}, drop context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, killFor)
	defer cancel()
	if killer, err := d.pool.Conn(ctx); err == nil {
		defer killer.Close()
		for {
			_, err := killer.ExecContext(ctx, fmt.Sprintf("KILL QUERY %d", d.id))
			if err != nil {
				break
			}
			select {
			case <-ended:
				return
			case <-time.After(killEvery):
			}
		}
	}
	select {
	case <-ended:
	case <-ctx.Done():
		drop()
	}
}

// exec runs a statement of ours.
func (d *driver) exec(ctx context.Context, query string, args ...any) error {
	_, err := d.conn.ExecContext(ctx, query, args...)
	return err
}

// settle runs statements that record what has happened already. They go on for
// settleFor after the end of ctx.
func (d *driver) settle(ctx context.Context, requests ...records.Request) error {
	own, drop := context.WithCancel(context.WithoutCancel(ctx))
	defer drop()
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-own.Done():
		case <-time.After(settleFor):
			drop()
		}
	})
	defer stop()
	for i, r := range requests {
		err := d.exec(own, r.SQL, r.Args...)
		if i == 0 && number(err) == interrupted { // by a KILL that was meant for the statement before
			err = d.exec(own, r.SQL, r.Args...)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
