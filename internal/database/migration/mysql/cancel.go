package mysql

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/initbox/initbox/internal/database/migration/records"
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
// context the library closes the connection and leaves the statement running. To
// watch a context, it also wakes a goroutine twice for each statement.
func (d *driver) watched(ctx context.Context, run func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	own := context.WithoutCancel(ctx)
	ended, done := make(chan struct{}), make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		d.kill(own, ended)
	})
	err := run(own)
	close(ended)
	if !stop() {
		<-done // a KILL that is on its way must not hit what comes next
	}
	return err
}

func (d *driver) kill(ctx context.Context, ended <-chan struct{}) {
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
		d.cut()
	}
}

// cut ends the connection under a statement that does not end.
func (d *driver) cut() { _ = d.socket.Close() }

// exec runs a statement of ours.
func (d *driver) exec(ctx context.Context, query string, args ...any) error {
	_, err := d.conn.ExecContext(ctx, query, args...)
	return err
}

// settle runs statements that record what has happened already. They go on for
// settleFor after the end of ctx. If the server refuses one, as it may for a lock,
// the transaction is given up: to try again would commit the half of it.
func (d *driver) settle(ctx context.Context, requests ...records.Request) error {
	own, ended := context.WithoutCancel(ctx), make(chan struct{})
	defer close(ended)
	stop := context.AfterFunc(ctx, func() {
		select {
		case <-ended:
		case <-time.After(settleFor):
			d.cut()
		}
	})
	defer stop()
	for i, r := range d.bundled(requests) {
		err := d.exec(own, r.SQL, r.Args...)
		if i == 0 && number(err) == interrupted { // by a KILL that was meant for the statement before
			if slices.ContainsFunc(requests, starts) {
				_ = d.exec(own, "ROLLBACK") // or else it would commit what a bundle has done
			}
			err = d.exec(own, r.SQL, r.Args...)
		}
		if err != nil {
			if number(err) != 0 {
				_ = d.exec(own, "ROLLBACK")
			}
			return err
		}
	}
	return nil
}
