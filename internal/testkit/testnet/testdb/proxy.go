package testdb

import (
	"io"
	"net"
	"sync"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// A Proxy forwards connections to a server until it is told to cut them.
type Proxy struct {
	listener net.Listener
	dialer   net.Dialer
	to       string

	mu      sync.Mutex
	stalled bool
	moved   *sync.Cond // signals that stalled has changed
	open    map[net.Conn]bool
}

// NewProxy starts a proxy in front of the server at to, HOST:PORT. If from is set,
// it is the loopback address that the server sees the connections come from.
func NewProxy(t testnet.TB, to, from string) *Proxy {
	t.Helper()
	p := &Proxy{listener: testnet.Listen(t, "127.0.0.1"), to: to, open: make(map[net.Conn]bool)}
	p.moved = sync.NewCond(&p.mu)
	if from != "" {
		p.dialer.LocalAddr = &net.TCPAddr{IP: net.ParseIP(from)}
	}
	t.Cleanup(func() { p.Stall(false); p.Cut() })
	testnet.Serve(t, p.listener, p.serve)
	return p
}

// Addr returns the proxy's address as HOST:PORT.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Port returns the proxy's port on 127.0.0.1.
func (p *Proxy) Port() string {
	_, port, _ := net.SplitHostPort(p.Addr())
	return port
}

// Cut resets every connection that is open now.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.open {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
}

// Stall makes the proxy forward nothing in either direction, like a network that
// drops packets; Stall(false) makes it forward again.
func (p *Proxy) Stall(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = on
	p.moved.Broadcast()
}

func (p *Proxy) serve(client net.Conn) {
	server, err := p.dialer.Dial("tcp", p.to)
	if err != nil {
		_ = client.(*net.TCPConn).SetLinger(0)
		client.Close()
		return
	}
	p.mu.Lock()
	p.open[client], p.open[server] = true, true
	p.mu.Unlock()
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client) })
	both.Go(func() { p.copy(client, server) })
	both.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []net.Conn{client, server} {
		c.Close()
		delete(p.open, c)
	}
}

// copy forwards what src sends, and its end.
func (p *Proxy) copy(dst, src net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		p.mu.Lock()
		for p.stalled {
			p.moved.Wait()
		}
		p.mu.Unlock()
		if n > 0 {
			if _, writeErr := dst.Write(buf[:n]); writeErr != nil {
				err = writeErr
			}
		}
		if err == io.EOF {
			_ = dst.(*net.TCPConn).CloseWrite()
			return
		}
		if err != nil {
			_ = dst.(*net.TCPConn).SetLinger(0)
			dst.Close()
			return
		}
	}
}
