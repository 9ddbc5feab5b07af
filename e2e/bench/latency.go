package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/initbox/initbox/internal/lateport"
)

// The port opens at a random time of one whole second, so that a loop with
// "sleep 1" is met at every phase.
const (
	openAfter  = 300 * time.Millisecond
	openWithin = time.Second
)

// parallel is how many runs are under way: more would measure the scheduler.
const parallel = 2

// latency measures the time from the opening of a port to the end of whoever
// waits for it.
func (b *bench) latency() (table, error) {
	loop := func(addr string) contender {
		line := "until " + netcat + " -z " + strings.ReplaceAll(addr, ":", " ") + "; do sleep 1; done"
		return contender{"until " + netcat + " -z …; do sleep 1; done", []string{"sh", "-c", line}}
	}
	initbox := func(addr string) contender {
		return contender{"initbox wait-tcp …", []string{b.initbox, "wait-tcp", addr}}
	}
	theirs, err := detections(b.latencyRuns, loop)
	if err != nil {
		return nil, err
	}
	ours, err := detections(b.latencyRuns, initbox)
	if err != nil {
		return nil, err
	}
	t := table{{"", "`" + loop("").name + "`", "`" + initbox("").name + "`", "ratio", "target", ""}}
	for _, row := range []struct {
		percent int
		target  time.Duration
	}{{50, 30 * time.Millisecond}, {99, 110 * time.Millisecond}, {100, 0}} {
		a, o := percentile(theirs, row.percent), percentile(ours, row.percent)
		name, target, reached := fmt.Sprintf("p%d", row.percent), "", ""
		if row.percent == 100 {
			name = "max"
		}
		if row.target > 0 {
			target, reached = "≤ "+row.target.String(), mark(o <= row.target)
		}
		t.add(name, ms(a), ms(o), fmt.Sprintf("%.3f", float64(o)/float64(a)), target, reached)
	}
	return t, nil
}

// detections runs one contender many times, each on a port of its own.
func detections(runs int, contend func(addr string) contender) ([]time.Duration, error) {
	var (
		mu    sync.Mutex
		all   []time.Duration
		first error
		group sync.WaitGroup
		slots = make(chan struct{}, parallel)
	)
	for range runs {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			d, err := detection(contend)
			mu.Lock()
			defer mu.Unlock()
			all = append(all, d)
			if first == nil {
				first = err
			}
		})
	}
	group.Wait()
	return all, first
}

func detection(contend func(addr string) contender) (time.Duration, error) {
	port, err := lateport.Reserve()
	if err != nil {
		return 0, err
	}
	defer port.Close()
	c := contend(port.Addr())
	cmd := c.command()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		return 0, fmt.Errorf("%s ended while the port was closed: %v", c.name, err)
	case <-time.After(openAfter + rand.N(openWithin)):
	}
	opened := time.Now()
	var l net.Listener
	if l, err = port.Listen(); err == nil {
		defer l.Close()
		err = <-ended
		return time.Since(opened), err
	}
	_ = cmd.Process.Kill()
	<-ended
	return 0, err
}
