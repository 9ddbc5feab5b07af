package mysql

import (
	"context"
	"fmt"
	"time"
)

// How a statement ends whose context is done: KILL QUERY is sent every killEvery,
// since it does nothing between two statements, and killFor is as long as the
// statement has to end. After that the connection is closed under it.
const (
	killEvery = 50 * time.Millisecond
	killFor   = 2 * time.Second
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
