package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	smallFile = 4 << 10
	largeFile = 2 << 30
)

const coreutilsCopy = "coreutils cp -a"

// copy measures the copy of many small files and of one large file, and a second run,
// which finds nothing to do; cp copies again.
func (b *bench) copy(ctx context.Context) (rows []row, err error) {
	work, remove, err := temporary(b.dir)
	if err != nil {
		return nil, err
	}
	defer remove()
	few := b.pick(500, 20)
	for _, part := range []struct {
		what  string
		files int
		size  int64
		rounds,
		again int // how many times faster than coreutils initbox must be in the second run
	}{
		{fmt.Sprintf("copy of %d files of 4 KiB", b.pick(20_000, 200)), b.pick(20_000, 200), smallFile, b.pick(3, 1), 5},
		{"copy of one file of " + megabytes(float64(b.pick(largeFile, 10*smallFile))), 1, int64(b.pick(largeFile, 10*smallFile)), b.pick(2, 1), 0},
	} {
		src := filepath.Join(work, "src")
		if err := plant(src, part.files, part.size); err != nil {
			return nil, err
		}
		targets := [2][]target{}
		if part.again > 0 {
			targets = [2][]target{{{1, coreutilsCopy}}, {{1 / float64(part.again), coreutilsCopy}}}
		}
		more, err := b.copies(part.what, work, work, part.rounds, targets).measure(ctx)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
		if err := os.RemoveAll(src); err != nil {
			return nil, err
		}
	}
	backing := filepath.Join(work, "backing")
	if err := plant(filepath.Join(backing, "src"), few, smallFile); err != nil {
		return nil, err
	}
	err = slowed(work, backing, func(slow string) error {
		targets := [2][]target{{{0.2, coreutilsCopy}}, {{0.2, coreutilsCopy}}}
		// One round: each tool takes long, and the delay is much larger than the noise.
		more, err := b.copies(fmt.Sprintf("copy of %d files of 4 KiB, %v more for each operation", few, delay), slow, backing, 1, targets).measure(ctx)
		rows = append(rows, more...)
		return err
	})
	return rows, err
}

// copies compares the tools copying at/src into at. It checks and removes the copies
// in backing, which is the same folder.
func (b *bench) copies(what, at, backing string, rounds int, targets [2][]target) comparison {
	c := comparison{what: what, rounds: rounds, metrics: []metric{
		{name: "first run", of: firstWall, unit: seconds, targets: targets[0]},
		{name: "the same again", of: againWall, unit: seconds, targets: targets[1]},
		{name: "peak RSS", of: mostRSS, unit: megabytes, targets: []target{{20e6, ""}}},
	}}
	// The arguments are a source directory and a destination that does not exist yet.
	// With -T, cp uses the destination itself as the copy, also in the second run.
	for _, tool := range []struct {
		name string
		argv []string
	}{
		{"initbox copy-config", []string{b.initbox, "copy-config"}},
		{"the same, --fsync=never", []string{b.initbox, "copy-config", "--fsync=never"}},
		{coreutilsCopy, []string{"cp", "-aT"}},
		{"busybox cp -a", []string{"busybox", "cp", "-aT"}},
		{"rsync -a", []string{"rsync", "-a"}},
		{"rsync -ac, which compares contents as initbox does", []string{"rsync", "-ac"}},
	} {
		c.contenders = append(c.contenders, contender{name: tool.name, run: func(ctx context.Context, _ int) (sample, error) {
			syscall.Sync() // so that no contender pays for the unwritten data of another
			s, err := twice(ctx, func() error { return sameTree(filepath.Join(backing, "src"), filepath.Join(backing, "dst")) },
				append(tool.argv, filepath.Join(at, "src")+"/", filepath.Join(at, "dst")))
			if err != nil {
				return nil, err
			}
			return s, os.RemoveAll(filepath.Join(backing, "dst"))
		}})
	}
	return c
}
