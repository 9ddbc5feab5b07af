package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// A comparison says what is measured, with which contenders, how often, and which targets to reach.
type comparison struct {
	what       string
	rounds     int
	atOnce     int           // how many contenders run at the same time; 0 is one
	pause      time.Duration // before each run
	metrics    []metric
	contenders []contender // initbox first
}

// A contender is one way to do the job. Each run returns a sample in the order that
// the metrics refer to.
type contender struct {
	name    string
	missing string // why it cannot be measured, "" if it can
	run     func(ctx context.Context, round int) (sample, error)
}

// A sample is what one run measured: seconds, bytes, numbers.
type sample []float64

// A metric is one line of the report for each contender.
type metric struct {
	name    string
	of      int // index in the samples
	percent int // the percentile to report; 0 for the median, with the spread
	unit    func(float64) string
	targets []target
}

// A target is what initbox must reach: an absolute limit, or a share of a peer's value.
type target struct {
	most float64
	than string // the peer; "" if most is absolute
}

// measure runs the contenders in turn, all equally often. Each round begins with
// another contender, so that a busy moment affects all of them.
func (c comparison) measure(ctx context.Context) ([]row, error) {
	all := make([][]sample, len(c.contenders))
	for round := range c.rounds {
		if err := c.round(ctx, round, all); err != nil {
			return nil, fmt.Errorf("%s: %w", c.what, err)
		}
	}
	return c.report(all), nil
}

// report returns the lines of all metrics.
func (c comparison) report(all [][]sample) (rows []row) {
	for _, m := range c.metrics {
		rows = append(rows, c.rows(m, all)...)
	}
	return rows
}

func (c comparison) round(ctx context.Context, round int, all [][]sample) error {
	var (
		mu    sync.Mutex
		first error
		group sync.WaitGroup
		slots = make(chan struct{}, max(c.atOnce, 1))
	)
	for i := range c.contenders {
		k := (round + i) % len(c.contenders)
		who := c.contenders[k]
		if who.missing != "" {
			continue
		}
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			time.Sleep(c.pause)
			s, err := who.run(ctx, round)
			mu.Lock()
			defer mu.Unlock()
			all[k] = append(all[k], s)
			if err != nil && first == nil {
				first = fmt.Errorf("%s: %w", who.name, err)
			}
		})
		if c.atOnce <= 1 {
			group.Wait()
		}
		if ctx.Err() != nil {
			break
		}
	}
	group.Wait()
	if first == nil {
		first = ctx.Err()
	}
	return first
}

// rows returns the lines of one metric: initbox first, with its absolute targets, then
// each peer with the share of its value that initbox took.
func (c comparison) rows(m metric, all [][]sample) []row {
	var rows []row
	var ours float64
	var first row
	percent := m.percent
	if percent == 0 {
		percent = 50
	}
	for k, who := range c.contenders {
		r := row{what: c.what, measured: m.name, who: who.name}
		if who.missing != "" || len(all[k]) == 0 {
			r.median, r.target = "missing", who.missing
			r.unmeasured = true
		} else {
			values := make([]float64, 0, len(all[k]))
			for _, s := range all[k] {
				values = append(values, s[m.of])
			}
			v := percentile(values, percent)
			r.median = m.unit(v)
			if m.percent == 0 && len(values) > 1 {
				r.spread = m.unit(percentile(values, 10)) + " to " + m.unit(percentile(values, 90))
			}
			if k == 0 {
				ours, first = v, r
			} else if v > 0 {
				r.ratio = fmt.Sprintf("%.3g", ours/v)
			}
			r.ours = first.median
			r.judge(m, who.name, k == 0, ours, v)
		}
		if r.unmeasured {
			r.target = strings.Join(nonEmpty(r.target, m.toReach(who.name)), "; ")
		}
		rows = append(rows, r)
	}
	return rows
}

// judge fills in the targets in the line of this contender.
func (r *row) judge(m metric, who string, ours bool, value, of float64) {
	for _, t := range m.targets {
		switch {
		case t.than == "" && ours:
			r.target, r.result = "≤ "+m.unit(t.most), mark(value <= t.most)
		case t.than == who && !ours:
			r.target, r.result = fmt.Sprintf("≤ %.3gx", t.most), mark(value <= t.most*of)
		}
	}
}

// toReach returns the text of the targets for a missing peer.
func (m metric) toReach(who string) string {
	for _, t := range m.targets {
		if t.than == who {
			return fmt.Sprintf("to reach: ≤ %.3gx", t.most)
		}
	}
	return ""
}

func nonEmpty(texts ...string) (kept []string) {
	for _, t := range texts {
		if t != "" {
			kept = append(kept, t)
		}
	}
	return kept
}
