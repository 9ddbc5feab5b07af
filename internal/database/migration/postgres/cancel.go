package postgres

import (
	"context"
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
	conn  *pgconn.PgConn
	quit  context.CancelFunc
	ended chan struct{}
}

// HandleCancel implements ctxwatch.Handler.
func (c *canceller) HandleCancel(context.Context) {
	deadline := time.Now().Add(cancelFor)
	_ = c.conn.Conn().SetDeadline(deadline)
	ctx, quit := context.WithDeadline(context.Background(), deadline)
	c.quit, c.ended = quit, make(chan struct{})
	go func() {
		defer close(c.ended)
		for ctx.Err() == nil {
			_ = c.conn.CancelRequest(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(cancelEvery):
			}
		}
	}()
}

// HandleUnwatchAfterCancel implements ctxwatch.Handler. The connection is not used
// again, so that a request that is still on its way hits nothing.
func (c *canceller) HandleUnwatchAfterCancel() {
	c.quit()
	<-c.ended
	_ = c.conn.Conn().SetDeadline(time.Time{})
}
