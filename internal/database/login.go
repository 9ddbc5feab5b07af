package database

import (
	"context"
	"net"
	"sync"
	"sync/atomic"

	"github.com/initbox/initbox/internal/network/dial"
)

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// A login makes the connections of one login report what the server said last. A
// server that does not accept a client certificate says why, and closes: who
// then fails to write must still read to learn it.
type login struct {
	mu    sync.Mutex
	conns []*loginConn
	over  bool
}

// watchLogin returns dial for one login.
func watchLogin(dial dialFunc) (dialFunc, *login) {
	l := new(login)
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		tcp, ok := conn.(*net.TCPConn)
		if !ok {
			return conn, err
		}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.over { // a connection beside, such as one that cancels a statement
			return conn, nil
		}
		c := &loginConn{TCPConn: tcp}
		l.conns = append(l.conns, c)
		return c, nil
	}, l
}

// end makes the connections ordinary ones.
func (l *login) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.over.Store(true)
	}
	l.conns, l.over = nil, true
}

type loginConn struct {
	*net.TCPConn
	over atomic.Bool
}

// Write leaves it to the Read that follows to say that the server is gone.
func (c *loginConn) Write(p []byte) (int, error) {
	n, err := c.TCPConn.Write(p)
	if !c.over.Load() && dial.Closed(err) {
		return len(p), nil
	}
	return n, err
}
