package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"syscall"
	"time"

	"github.com/initbox/initbox/internal/testkit/lateport"
)

// The port opens at a random time within one whole second, so that a loop with
// "sleep 1" may be in any phase.
const (
	openAfter  = 300 * time.Millisecond
	openWithin = time.Second
)

// detection measures the time from the opening of a port to the end of the waiter,
// and how often the waiter asks until then.
func (b *bench) detection(ctx context.Context) ([]row, error) {
	when := comparison{
		what: "a port opens", rounds: b.pick(200, 2), atOnce: 8, // waiters sleep most of the time
		metrics: []metric{
			{name: "listen() to exit, median", unit: seconds, targets: []target{{0.030, ""}}},
			{name: "listen() to exit, p99", percent: 99, unit: seconds, targets: []target{{0.110, ""}}},
			{name: "listen() to exit, max", percent: 100, unit: seconds},
		},
	}
	period := time.Duration(b.pick(10, 1)) * time.Second
	often := comparison{
		what: "a closed port", rounds: b.pick(3, 1), atOnce: 8,
		metrics: []metric{{name: fmt.Sprintf("attempts per second, first %v", period), unit: perSecond}},
	}
	add := func(name, missing string, argv func(host, port string) []string) {
		when.contenders = append(when.contenders, contender{name, missing, func(ctx context.Context, _ int) (sample, error) {
			return detect(ctx, argv)
		}})
		often.contenders = append(often.contenders, contender{name, missing, func(ctx context.Context, _ int) (sample, error) {
			return countAttempts(ctx, period, argv("127.0.0.1", "9"))
		}})
	}
	ours := b.waiter()
	add(ours.name, "", ours.wait)
	for _, p := range portWaiters() {
		byDefault := p.name + ", every second"
		add(byDefault, p.missing(), p.wait)
		add(p.name+", every 40 ms", p.missing(), p.waitBest)
		when.metrics[0].targets = append(when.metrics[0].targets, target{0.1, byDefault})
	}
	return measured(ctx, when, often)
}

// detect runs one waiter on its own port.
func detect(ctx context.Context, argv func(host, port string) []string) (sample, error) {
	port, err := lateport.Reserve()
	if err != nil {
		return nil, err
	}
	defer port.Close()
	host, number, err := net.SplitHostPort(port.Addr())
	if err != nil {
		return nil, err
	}
	cmd := group(ctx, argv(host, number))
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return nil, fmt.Errorf("ended while the port was closed: %v", err)
	case <-time.After(openAfter + rand.N(openWithin)):
	}
	opened := time.Now()
	l, err := port.Listen()
	if err != nil {
		_ = cmd.Cancel()
		return nil, errors.Join(err, <-ended)
	}
	defer l.Close()
	go acceptAll(l)
	err = <-ended
	return sample{in(time.Since(opened))}, err
}

// countAttempts returns how many times per second a waiter tries to connect to a port
// where nothing ever listens.
func countAttempts(ctx context.Context, period time.Duration, argv []string) (s sample, err error) {
	err = inNetwork(func() error {
		cmd := group(ctx, argv)
		if err := cmd.Start(); err != nil {
			return err
		}
		time.Sleep(period)
		n, err := attempts()
		_ = cmd.Cancel()
		if waitErr := cmd.Wait(); waitErr == nil && err == nil {
			err = fmt.Errorf("%v found a port open where there is none", argv)
		}
		s = sample{float64(n) / period.Seconds()}
		return err
	})
	return s, err
}

// group is a command whose children end with it.
func group(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	return cmd
}
