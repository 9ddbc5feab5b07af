package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strconv"
)

// The indexes in the sample of a file task: a first run, which changes everything, and
// a second run, which finds nothing to do.
const (
	firstWall = iota
	againWall
	mostRSS
)

// chown measures a change of every owner, and a run that finds nothing to do.
func (b *bench) chown(ctx context.Context) (rows []row, err error) {
	work, remove, err := temporary(b.dir)
	if err != nil {
		return nil, err
	}
	defer remove()
	disk, backing := filepath.Join(work, "disk"), filepath.Join(work, "backing")
	files, slowFiles := b.pick(200_000, 500), b.pick(5_000, perDir)
	if err := plant(disk, files, 0); err != nil {
		return nil, err
	}
	if err := plant(backing, slowFiles, 0); err != nil {
		return nil, err
	}
	rows, err = b.ownership(fmt.Sprintf("chown of %d files", files), disk, disk, b.pick(3, 1), 1/1.4, 1/2.5).measure(ctx)
	if err != nil {
		return nil, err
	}
	err = slowed(work, backing, func(slow string) error {
		more, err := b.ownership(fmt.Sprintf("chown of %d files, %v more for each operation", slowFiles, delay), slow, backing, 1, 1.0/30, 1.0/100).measure(ctx)
		rows = append(rows, more...)
		return err
	})
	return rows, err
}

// ownership compares the tools on one tree; change and again are the shares of the
// time of coreutils that initbox may take. The results are checked in backing, the
// same tree: nobody could kill a process that uses its own mount.
func (b *bench) ownership(what, tree, backing string, rounds int, change, again float64) comparison {
	c := comparison{what: what, rounds: rounds, metrics: []metric{
		{name: "every owner changes", of: firstWall, unit: seconds, targets: []target{{change, coreutilsChown}}},
		{name: "nothing to do", of: againWall, unit: seconds, targets: []target{{again, coreutilsChown}}},
		{name: "peak RSS", of: mostRSS, unit: megabytes, targets: []target{{20e6, ""}}},
	}}
	id := 10_000
	for _, tool := range []struct {
		name string
		argv []string
	}{
		{"initbox chown", []string{b.initbox, "chown"}},
		{coreutilsChown, []string{"chown", "-R"}},
		{"busybox chown -R", []string{"busybox", "chown", "-R"}},
	} {
		c.contenders = append(c.contenders, contender{name: tool.name, run: func(ctx context.Context, _ int) (sample, error) {
			id++
			return twice(ctx, func() error { return owned(backing, id) },
				append(tool.argv, strconv.Itoa(id)+":"+strconv.Itoa(id), tree))
		}})
	}
	return c
}

const coreutilsChown = "coreutils chown -R"

// twice measures a command that changes something, calls done to check the change,
// and measures the same command again.
func twice(ctx context.Context, done func() error, argv []string) (sample, error) {
	first, err := weigh(ctx, argv...)
	if err != nil {
		return nil, err
	}
	if err := done(); err != nil {
		return nil, err
	}
	again, err := weigh(ctx, argv...)
	if err != nil {
		return nil, err
	}
	return sample{first[wall], again[wall], max(first[peak], again[peak])}, nil
}
