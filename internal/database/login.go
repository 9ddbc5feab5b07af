package database

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/initbox/initbox/internal/network/dial"
)

// A DialFunc connects to address, "HOST:PORT" or the path of a socket.
type DialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// WatchLogin returns a dial whose connections ignore, until end is called, that a write
// fails because the server has closed. The read that follows then gets the server's
// last words: why it did not accept a client certificate, for instance.
func WatchLogin(dial DialFunc) (watched DialFunc, end func()) {
	over := new(atomic.Bool)
	watched = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if tcp, ok := conn.(*net.TCPConn); ok && !over.Load() {
			return &loginConn{tcp, over}, nil
		}
		return conn, err
	}
	return watched, func() { over.Store(true) }
}

type loginConn struct {
	*net.TCPConn
	over *atomic.Bool
}

// Write ignores that the server has closed. The next Read reports it.
func (c *loginConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	if !c.over.Load() && dial.Closed(err) {
		return len(p), nil
	}
	return n, err
}
