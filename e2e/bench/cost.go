package main

import (
	"context"
	"net"
	"time"
)

// openPort returns a port of loopback that closes each connection at once.
func openPort() (host, port string, end func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", nil, err
	}
	go acceptAll(l)
	host, port, err = net.SplitHostPort(l.Addr().String())
	return host, port, func() { l.Close() }, err
}

func acceptAll(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		conn.Close()
	}
}

// cost measures one look at an open port: the cost of a process with next to nothing to do.
func (b *bench) cost(ctx context.Context) ([]row, error) {
	host, port, end, err := openPort()
	if err != nil {
		return nil, err
	}
	defer end()
	contenders := func(measure func(context.Context, ...string) (sample, error)) (all []contender) {
		for _, p := range append([]portWaiter{b.waiter()}, portWaiters()...) {
			c := command(p.name, measure, p.look(host, port)...)
			c.missing = p.missing()
			all = append(all, c)
		}
		return all
	}
	return measured(ctx, comparison{
		what: "one look at an open port", rounds: b.pick(300, 2), contenders: contenders(timed),
		metrics: []metric{
			{name: "wall", of: wall, unit: seconds, targets: []target{{1.3, "sh, nc -z"}, {1.0 / 3, "wait4x"}}},
			{name: "CPU", of: cpu, unit: seconds},
		},
	}, comparison{
		what: "one look at an open port", rounds: b.pick(30, 1), contenders: contenders(weigh),
		metrics: []metric{{name: "peak RSS", of: peak, unit: megabytes, targets: []target{{8e6, ""}}}},
	})
}

// quota measures the same under a CPU limit of 50m, where the start of a process
// costs most: a process that has used up its share waits for the next period.
func (b *bench) quota(ctx context.Context) ([]row, error) {
	host, port, end, err := openPort()
	if err != nil {
		return nil, err
	}
	defer end()
	group, groupErr := newCgroup(5*time.Millisecond, 100*time.Millisecond)
	if groupErr == nil {
		defer func() { _ = group.remove() }()
	}
	c := comparison{
		what: "one look at an open port, CPU limit 50m", rounds: b.pick(30, 1),
		pause:   150 * time.Millisecond, // so that no contender pays for the CPU time of another
		metrics: []metric{{name: "wall", of: wall, unit: seconds, targets: []target{{1, "dockerize"}}}},
	}
	for _, p := range append([]portWaiter{b.waiter()}, portWaiters()...) {
		who := contender{name: p.name, missing: p.missing()}
		if groupErr != nil {
			who.missing = groupErr.Error()
		} else {
			who.run = func(ctx context.Context, _ int) (sample, error) {
				return timed(ctx, group.within(p.look(host, port))...)
			}
		}
		c.contenders = append(c.contenders, who)
	}
	return c.measure(ctx)
}
