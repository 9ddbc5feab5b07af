package main

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// A curve shows how a cost grows with the number of things.
type curve struct {
	what   string
	thing  string // what is counted: "files"
	unit   func(float64) string
	slope  bool // whether to show the cost of one more
	points []point
}

type point struct {
	things int
	values []float64
}

func (c *curve) add(things int, values ...float64) {
	c.points = append(c.points, point{things, values})
}

// line returns the curve as a line of the report: every point, and the cost of one
// more thing at the end of the curve.
func (c *curve) line() string {
	var points []string
	for _, p := range c.points {
		points = append(points, thousands(p.things)+": "+c.unit(percentile(p.values, 50)))
	}
	more := ""
	if n := len(c.points); c.slope && n > 1 {
		from, to := c.points[n-2], c.points[n-1]
		each := (percentile(to.values, 50) - percentile(from.values, 50)) / float64(to.things-from.things)
		if more = "none to be seen"; each > 0 {
			more = c.unit(each)
		}
	}
	return fmt.Sprintf("| %s | %s | %s | %s |\n", c.what, c.thing, strings.Join(points, "<br>"), more)
}

func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}

// sizes returns the numbers of things to measure, in full or in brief.
func (b *bench) sizes(full ...int) []int {
	if b.brief {
		return []int{1, 10}
	}
	return full
}

// scale measures how the cost of each task grows.
func (b *bench) scale(ctx context.Context) ([]row, error) {
	var rows []row
	for _, part := range []func(*bench, context.Context) ([]*curve, error){
		(*bench).scaleChown, (*bench).scaleCopy, (*bench).scaleWaiters, (*bench).scaleTargets,
		(*bench).scaleWaitDB, (*bench).scaleMigrate, (*bench).scaleVerify,
	} {
		curves, err := part(b, ctx)
		if err != nil {
			return nil, err
		}
		for _, c := range curves {
			rows = append(rows, row{curve: c})
		}
	}
	return rows, nil
}

// again runs a command several times and returns the wall times.
func again(ctx context.Context, times int, argv func(round int) []string) (all []float64, err error) {
	for round := range times {
		s, err := timed(ctx, argv(round)...)
		if err != nil {
			return nil, err
		}
		all = append(all, s[wall])
	}
	return all, nil
}

func (b *bench) scaleChown(ctx context.Context) ([]*curve, error) {
	change := &curve{what: "chown, every owner changes", thing: "files", unit: seconds, slope: true}
	noop := &curve{what: "chown, nothing to do", thing: "files", unit: seconds, slope: true}
	stamp := &curve{what: "chown --if-root-mismatch, nothing to do", thing: "files", unit: seconds, slope: true}
	for _, n := range b.sizes(1_000, 10_000, 100_000, 1_000_000) {
		work, remove, err := temporary(b.dir)
		if err != nil {
			return nil, err
		}
		err = func() error {
			defer remove()
			tree := filepath.Join(work, "tree")
			if err := plant(tree, n, 0); err != nil {
				return err
			}
			owner := func(round int) string { return fmt.Sprintf("%d:%d", 10_000+round, 10_000+round) }
			const rounds = 3
			for _, c := range []struct {
				*curve
				argv func(round int) []string
			}{
				{change, func(round int) []string { return []string{b.initbox, "chown", owner(round), tree} }},
				{noop, func(int) []string { return []string{b.initbox, "chown", owner(rounds - 1), tree} }},
				{stamp, func(int) []string { return []string{b.initbox, "chown", "--if-root-mismatch", owner(rounds - 1), tree} }},
			} {
				times, err := again(ctx, rounds, c.argv)
				if err != nil {
					return err
				}
				c.add(n, times...)
			}
			return nil
		}()
		if err != nil {
			return nil, err
		}
	}
	return []*curve{change, noop, stamp}, nil
}

func (b *bench) scaleCopy(ctx context.Context) ([]*curve, error) {
	first := &curve{what: "copy-config, files of 4 KiB, first run", thing: "files", unit: seconds, slope: true}
	noop := &curve{what: "copy-config, files of 4 KiB, the same again", thing: "files", unit: seconds, slope: true}
	for _, n := range b.sizes(10, 100, 1_000, 10_000, 100_000) {
		work, remove, err := temporary(b.dir)
		if err != nil {
			return nil, err
		}
		err = func() error {
			defer remove()
			src, dst := filepath.Join(work, "src"), filepath.Join(work, "dst")
			if err := plant(src, n, smallFile); err != nil {
				return err
			}
			times, err := again(ctx, 1, func(int) []string { return []string{b.initbox, "copy-config", src, dst} })
			if err != nil {
				return err
			}
			first.add(n, times...)
			times, err = again(ctx, 3, func(int) []string { return []string{b.initbox, "copy-config", src, dst} })
			noop.add(n, times...)
			return err
		}()
		if err != nil {
			return nil, err
		}
	}
	return []*curve{first, noop}, nil
}

func (b *bench) scaleTargets(ctx context.Context) ([]*curve, error) {
	c := &curve{what: "wait-tcp, open targets in one process", thing: "targets", unit: seconds, slope: true}
	var addresses []string
	for _, n := range b.sizes(1, 10, 100, 1_000) {
		for len(addresses) < n {
			host, port, end, err := openPort()
			if err != nil {
				return nil, err
			}
			defer end()
			addresses = append(addresses, net.JoinHostPort(host, port))
		}
		times, err := again(ctx, 5, func(int) []string { return append([]string{b.initbox, "wait-tcp"}, addresses...) })
		if err != nil {
			return nil, err
		}
		c.add(n, times...)
	}
	return []*curve{c}, nil
}

func (b *bench) scaleVerify(ctx context.Context) (curves []*curve, err error) {
	tb := new(helper)
	defer tb.cleanup(&err)
	root := tb.folder()
	c := &curve{what: "verify-cert, directories in one process", thing: "directories", unit: seconds, slope: true}
	have := 0
	for _, n := range b.sizes(1, 10, 100, 1_000) {
		for ; have < n; have++ {
			if err := writeTLS(tb, filepath.Join(root, "mounts", fmt.Sprintf("%04d", have))); err != nil {
				return nil, err
			}
		}
		times, err := again(ctx, 3, func(int) []string { return []string{b.initbox, "verify-cert", filepath.Join(root, "mounts", "*")} })
		if err != nil {
			return nil, err
		}
		c.add(n, times...)
	}
	return []*curve{c}, nil
}
