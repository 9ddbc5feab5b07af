package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/initbox/initbox/internal/fault"
)

// A Dialer connects to addresses. The zero value is ready for use. It remembers
// for a moment what a name resolved to, so that many attempts a second are not
// as many questions to the cluster's DNS.
type Dialer struct {
	Resolver *net.Resolver // nil for the system's

	mu       sync.Mutex
	names    map[string]*lookup
	refusals map[Address]refusal
}

// A refusal is that of a connection, and when it was.
type refusal struct {
	err error
	at  time.Time
}

// refusalStands is how long a refusal explains attempts that get no answer. On a
// node where many ask, seconds pass between two.
const refusalStands = time.Minute

// reuse is how long an answer stands, also that there is no such name: with the
// search domains of a pod one lookup is up to ten queries.
const reuse = time.Second

// fallbackDelay is when the next address of a host is tried beside one that has
// not answered (RFC 8305 calls it the Connection Attempt Delay and recommends 250 ms).
const fallbackDelay = 250 * time.Millisecond

// Dial connects to a. Errors are explained; errors.Is finds the system's error in them.
func (d *Dialer) Dial(ctx context.Context, a Address) (net.Conn, error) {
	if a.Network == "unix" {
		conn, err := new(net.Dialer).DialContext(ctx, "unix", a.Path)
		if err != nil {
			return nil, explainSocket(a, err)
		}
		return conn, nil
	}
	addrs, err := d.Lookup(ctx, a.Host)
	if err != nil {
		return nil, err
	}
	conn, err := dialFirst(ctx, a.Port, addrs)
	return conn, d.recall(a, err)
}

// recall words a missing answer as the refusal that came shortly before: for a
// Service without endpoints the kernel refuses only some attempts a second
// (icmp_ratelimit), and drops the others.
func (d *Dialer) recall(a Address, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch last := d.refusals[a]; {
	case errors.Is(err, syscall.ECONNREFUSED):
		if d.refusals == nil {
			d.refusals = make(map[Address]refusal)
		}
		d.refusals[a] = refusal{err, time.Now()}
	case timedOut(err) && last.err != nil && time.Since(last.at) < refusalStands:
		return explain(err, fault.NextOf(last.err), "%s", last.err.Error())
	}
	return err
}

// DialAddr connects to one address of a host.
func DialAddr(ctx context.Context, addr netip.Addr, port string) (net.Conn, error) {
	where := net.JoinHostPort(addr.Unmap().String(), port)
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", where)
	if err != nil {
		return nil, explainConnect(where, err)
	}
	return conn, nil
}

// dialFirst returns the first connection to any of addrs, trying the next one
// when one has failed or has not answered for fallbackDelay.
func dialFirst(ctx context.Context, port string, addrs []netip.Addr) (net.Conn, error) {
	if len(addrs) == 1 {
		return DialAddr(ctx, addrs[0], port)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		conn net.Conn
		err  error
	}
	results := make(chan result)
	next, inFlight := 0, 0
	start := func() {
		addr := addrs[next]
		next++
		inFlight++
		go func() {
			conn, err := DialAddr(ctx, addr, port)
			results <- result{conn, err}
		}()
	}
	start()
	var failure error
	fallback := time.NewTicker(fallbackDelay)
	defer fallback.Stop()
	for inFlight > 0 {
		select {
		case <-fallback.C:
			if next < len(addrs) {
				start()
			}
		case r := <-results:
			inFlight--
			if r.err == nil {
				cancel()
				for ; inFlight > 0; inFlight-- {
					if late := <-results; late.conn != nil {
						late.conn.Close()
					}
				}
				return r.conn, nil
			}
			failure = telling(failure, r.err)
			if next < len(addrs) && ctx.Err() == nil {
				start()
			}
		}
	}
	return nil, failure
}

// telling returns the error that says more: a cluster without IPv6 has no route
// to every second address, which is not why the service is down.
func telling(a, b error) error {
	if a == nil || errors.Is(a, syscall.ENETUNREACH) || errors.Is(a, syscall.EADDRNOTAVAIL) {
		return b
	}
	return a
}
