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

// A Dialer connects to addresses. The zero value is ready to use. It keeps the
// result of each lookup for a moment, so that many attempts per second do not
// send as many queries to the cluster's DNS.
type Dialer struct {
	Resolver *net.Resolver // nil for the system's

	mu       sync.Mutex
	names    map[string]*lookup
	refusals map[Address]refusal
}

// A refusal is a refused connection and its time.
type refusal struct {
	err error
	at  time.Time
}

// refusalValid is how long a refusal explains attempts that get no answer. On a
// node with many clients, seconds pass between two refusals.
const refusalValid = time.Minute

// reuse is how long the result of a lookup is used again, including the result
// that a name does not exist. With the search domains of a pod, one lookup is
// up to ten queries.
const reuse = time.Second

// fallbackDelay is the time after which the next address of a host is tried
// alongside one that has not answered (RFC 8305 calls it the Connection Attempt
// Delay and recommends 250 ms).
const fallbackDelay = 250 * time.Millisecond

// Dial connects to a. Its errors are explained; errors.Is finds the system's
// error in them.
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

// recall reports a missing answer as the refusal that came shortly before it.
// For a Service without endpoints, the kernel refuses only some attempts per
// second (icmp_ratelimit) and drops the rest.
func (d *Dialer) recall(a Address, err error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch last := d.refusals[a]; {
	case errors.Is(err, syscall.ECONNREFUSED):
		if d.refusals == nil {
			d.refusals = make(map[Address]refusal)
		}
		d.refusals[a] = refusal{err, time.Now()}
	case timedOut(err) && last.err != nil && time.Since(last.at) < refusalValid:
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

// dialFirst returns the first connection to any of addrs. It tries the next
// address when one has failed or has not answered within fallbackDelay.
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
			failure = moreTelling(failure, r.err)
			if next < len(addrs) && ctx.Err() == nil {
				start()
			}
		}
	}
	return nil, failure
}

// moreTelling returns the error that says more. In a cluster without IPv6,
// every second address has no route, which does not explain why the service is
// down.
func moreTelling(a, b error) error {
	if a == nil || errors.Is(a, syscall.ENETUNREACH) || errors.Is(a, syscall.EADDRNOTAVAIL) {
		return b
	}
	return a
}
