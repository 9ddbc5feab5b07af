// Package testnet gives tests the servers that make waiting hard: late, hanging,
// resetting and silent ones, all real and on loopback.
package testnet

import (
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testkit/lateport"
)

// A TB is the part of [testing.TB] that this package needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
}

// Listen returns a listener on a free port of host ("127.0.0.1", "::1").
func Listen(t TB, host string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// Closed returns an address of 127.0.0.1 on which nothing listens and nobody else
// can listen until the end of the test.
func Closed(t TB) string {
	t.Helper()
	return reserve(t).Addr()
}

func reserve(t TB) *lateport.Port {
	t.Helper()
	p, err := lateport.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// Open returns an address that accepts connections and keeps them open until the
// client closes them.
func Open(t TB) string {
	t.Helper()
	l := Listen(t, "127.0.0.1")
	Serve(t, l, drain)
	return l.Addr().String()
}

func drain(c net.Conn) {
	_, _ = io.Copy(io.Discard, c)
	c.Close()
}

// Late returns an address on which nothing listens until after has passed.
func Late(t TB, after time.Duration) string {
	t.Helper()
	p := reserve(t)
	stop := func() {}
	opened := make(chan struct{})
	timer := time.AfterFunc(after, func() {
		defer close(opened)
		if l, err := p.Listen(); err == nil {
			stop = serve(l, drain)
		}
	})
	t.Cleanup(func() {
		if !timer.Stop() {
			<-opened
			stop()
		}
	})
	return p.Addr()
}

// Reset returns an address that accepts each connection and resets it at once, as
// a proxy without a backend does.
func Reset(t TB) string {
	t.Helper()
	l := Listen(t, "127.0.0.1")
	Serve(t, l, func(c net.Conn) {
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
	return l.Addr().String()
}

// Serve runs handle for each connection in a new goroutine. Connections that
// handle leaves open are closed at the end of the test.
func Serve(t TB, l net.Listener, handle func(net.Conn)) { t.Cleanup(serve(l, handle)) }

func serve(l net.Listener, handle func(net.Conn)) (stop func()) {
	var (
		mu    sync.Mutex
		conns []net.Conn
	)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			go handle(c)
		}
	}()
	return func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			c.Close()
		}
	}
}

// A Blackhole is an address that drops every packet that would open a connection,
// until Accept is called.
type Blackhole struct {
	Addr     string
	listener net.Listener
}

// NewBlackhole makes a Blackhole: a listener that never accepts and whose backlog
// is full.
func NewBlackhole(t TB) *Blackhole {
	t.Helper()
	l := Listen(t, "127.0.0.1")
	raw, err := l.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	// A second listen(2) only sets the length of the backlog: 0 holds one connection.
	var listenErr error
	if err := raw.Control(func(fd uintptr) { listenErr = syscall.Listen(int(fd), 0) }); err != nil || listenErr != nil {
		t.Fatal(err, listenErr)
	}
	b := &Blackhole{Addr: l.Addr().String(), listener: l}
	for range 8 {
		if full(t, raw) {
			return b
		}
		if c, err := net.DialTimeout("tcp", b.Addr, 200*time.Millisecond); err == nil {
			t.Cleanup(func() { c.Close() })
		}
	}
	t.Fatal("the backlog does not fill up")
	return nil
}

// full asks the kernel whether the backlog is full. A connection attempt that
// times out proves nothing: the machine may be busy.
func full(t TB, listener syscall.RawConn) bool {
	t.Helper()
	var (
		info    *unix.TCPInfo
		infoErr error
	)
	// For a listener, these two are the length of its queue and the limit of that
	// length.
	err := listener.Control(func(fd uintptr) { info, infoErr = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) })
	if err != nil || infoErr != nil {
		t.Fatal(err, infoErr)
	}
	return info.Unacked > info.Sacked
}

// Accept takes one connection out of the full backlog, so that one more fits in.
func (b *Blackhole) Accept(t TB) {
	t.Helper()
	c, err := b.listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
}
