package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
)

// How a statement ends whose context is done: the server is asked every
// cancelEvery to cancel what it runs, since it ignores who asks while it is
// between two statements, and cancelFor is as long as it has to answer. pgconn's
// CancelRequestContextWatcherHandler asks once, which is lost on most files of many
// short statements.
const (
	cancelEvery = 50 * time.Millisecond
	cancelFor   = time.Second
)

// cancelling makes the end of a context cancel the running statement on the
// server. By default pgconn leaves it running and closes the connection.
func cancelling(c *pgconn.Config) {
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler { return &canceller{conn: conn} }
}

type canceller struct {
	conn *pgconn.PgConn
	stop func()
}

// HandleCancel implements ctxwatch.Handler.
func (c *canceller) HandleCancel(context.Context) {
	_ = c.conn.Conn().SetDeadline(time.Now().Add(cancelFor))
	ctx, cancel := context.WithTimeout(context.Background(), cancelFor)
	var asking sync.WaitGroup
	asking.Go(func() {
		for ctx.Err() == nil {
			_ = c.conn.CancelRequest(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(cancelEvery):
			}
		}
	})
	c.stop = func() { cancel(); asking.Wait() }
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler. The connection is not used
// again, so that a request that is still on its way hits nothing.
func (c *canceller) HandleUnwatchAfterCancel() {
	c.stop()
	_ = c.conn.Conn().SetDeadline(time.Time{})
}
