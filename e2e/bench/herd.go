package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"runtime"
	"time"

	"github.com/initbox/initbox/internal/testkit/lateport"
)

// forks is how many processes a core starts per second with time to spare.
const forks = 250

// herd measures many waiters, one process each, on one port that opens late.
func (b *bench) herd(ctx context.Context) ([]row, error) {
	n, closed := b.pick(2000, 20), b.hold()
	c := comparison{
		what: fmt.Sprintf("%d processes wait for one port", n), rounds: 1,
		metrics: []metric{
			{name: "attempts per second, at most", of: 0, unit: perSecond},
			{name: fmt.Sprintf("attempts per second, %v after the last start", closed), of: 1, unit: perSecond},
			{name: "listen() until the last is through", of: 2, unit: seconds},
		},
	}
	for _, p := range append([]portWaiter{b.waiter()}, portWaiters()[1]) {
		missing := p.missing()
		if p.program == "busybox" && n > forks*runtime.NumCPU() {
			missing = fmt.Sprintf("%d shells that start nc every second are more than these %d cores can do", n, runtime.NumCPU())
		}
		c.contenders = append(c.contenders, contender{p.name, missing, func(ctx context.Context, _ int) (sample, error) {
			return gather(ctx, n, closed, p.wait)
		}})
	}
	return c.measure(ctx)
}

// hold is how long the port stays closed after the last waiter has started: long
// enough for wait-tcp to slow down.
func (b *bench) hold() time.Duration {
	return time.Duration(b.pick(40, 2)) * time.Second
}

// gather starts n waiters in their own network. Its sample has the attempts in the
// busiest second, the attempts per second just before the port opens, and the seconds
// from the opening until the last waiter ends.
func gather(ctx context.Context, n int, closed time.Duration, argv func(host, port string) []string) (s sample, err error) {
	err = inNetwork(func() error {
		port, err := lateport.Reserve()
		if err != nil {
			return err
		}
		defer port.Close()
		host, number, err := net.SplitHostPort(port.Addr())
		if err != nil {
			return err
		}
		rates := &rates{}
		var waiters []*exec.Cmd
		defer func() {
			for _, w := range waiters {
				_ = w.Cancel()
				_ = w.Wait()
			}
		}()
		for range n {
			w := group(ctx, argv(host, number))
			if err := w.Start(); err != nil {
				return err
			}
			waiters = append(waiters, w)
			if err := rates.count(); err != nil {
				return err
			}
		}
		for end := time.Now().Add(closed); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if err := rates.count(); err != nil {
				return err
			}
		}
		opened := time.Now()
		l, err := port.Listen()
		if err != nil {
			return err
		}
		defer l.Close()
		go acceptAll(l)
		for len(waiters) > 0 {
			if err := waiters[0].Wait(); err != nil {
				return fmt.Errorf("one of the waiters: %w", err)
			}
			waiters = waiters[1:]
		}
		s = sample{rates.most, rates.last, in(time.Since(opened))}
		return nil
	})
	return s, err
}

// rates are the attempts per second, second by second.
type rates struct {
	since      time.Time
	before     int64
	most, last float64
}

// count adds the attempts so far. Call it often, from the thread in the network.
func (r *rates) count() error {
	now := time.Now()
	if !r.since.IsZero() && now.Sub(r.since) < time.Second {
		return nil
	}
	n, err := attempts()
	if err != nil {
		return err
	}
	if !r.since.IsZero() {
		r.last = float64(n-r.before) / now.Sub(r.since).Seconds()
		r.most = max(r.most, r.last)
	}
	r.since, r.before = now, n
	return nil
}
