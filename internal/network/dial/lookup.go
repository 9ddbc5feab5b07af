package dial

import (
	"cmp"
	"context"
	"net"
	"net/netip"
	"time"
)

// A lookup is one DNS query and its answer, shared by all attempts that need
// it.
type lookup struct {
	cancel    context.CancelFunc
	waiting   int           // how many wait for the answer
	abandoned bool          // everybody stopped waiting before it came
	done      chan struct{} // closed when the answer is there
	at        time.Time     // of the answer
	addrs     []netip.Addr
	err       error
}

// lookupTimeout limits a lookup that continues while attempts come and go: two
// tries of 5 s, the default of resolv.conf(5), so that a second name server is
// asked.
const lookupTimeout = 11 * time.Second

// Lookup returns the addresses of host, which may be an address itself, in the
// order in which to try them. A lookup that takes longer than ctx continues as
// long as others wait for it, so slow DNS does not prevent an answer forever.
func (d *Dialer) Lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if addr, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{addr}, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, explainName(ctx, host, err)
	}
	l := d.join(ctx, host)
	defer d.leave(l)
	select {
	case <-l.done:
	case <-ctx.Done():
		return nil, explainName(ctx, host, ctx.Err())
	}
	if l.err != nil {
		return nil, explainName(ctx, host, l.err)
	}
	return l.addrs, nil
}

// join returns the lookup of host: the current one if it is running or fresh,
// else a new one.
func (d *Dialer) join(ctx context.Context, host string) *lookup {
	d.mu.Lock()
	defer d.mu.Unlock()
	if l := d.names[host]; l != nil && !l.abandoned && (!l.answered() || time.Since(l.at) < reuse) {
		l.waiting++
		return l
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTimeout)
	l := &lookup{cancel: cancel, waiting: 1, done: make(chan struct{})}
	if d.names == nil {
		d.names = make(map[string]*lookup)
	}
	d.names[host] = l
	go func() {
		defer cancel()
		l.addrs, l.err = cmp.Or(d.Resolver, net.DefaultResolver).LookupNetIP(ctx, "ip", host)
		l.at = time.Now()
		close(l.done)
	}()
	return l
}

// leave stops waiting for l, and cancels it if nobody else waits for it.
func (d *Dialer) leave(l *lookup) {
	d.mu.Lock()
	defer d.mu.Unlock()
	l.waiting--
	if l.waiting == 0 && !l.answered() {
		l.abandoned = true
		l.cancel()
	}
}

func (l *lookup) answered() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}
