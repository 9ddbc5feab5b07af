package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/initbox/initbox/e2e/files-bench/slowfs"
)

// A bench is what the flags say.
type bench struct {
	initbox, dir     string
	rounds           int
	files, slowFiles int
	copyFiles        int
	slowCopies       int
	largeFile        bool
	delay            time.Duration
}

// perDir is how many files a directory of a tree has.
const perDir = 100

// chown measures a change of every owner, and a run that finds nothing to do.
func (b *bench) chown(ctx context.Context) error {
	work, err := os.MkdirTemp(b.dir, "files-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	tools := []tool{
		{"initbox chown", []string{b.initbox, "chown"}},
		{"coreutils chown -R", []string{"chown", "-R"}},
		{"busybox chown -R", []string{"busybox", "chown", "-R"}},
	}
	if b.files > 0 {
		tree := filepath.Join(work, "disk")
		if err := plant(tree, b.files); err != nil {
			return err
		}
		title := fmt.Sprintf("%d files in %d directories on the disk", b.files, b.files/perDir)
		if err := b.turns(ctx, title, tools, tree); err != nil {
			return err
		}
	}
	if b.slowFiles == 0 {
		return nil
	}
	backing, tree := filepath.Join(work, "backing"), filepath.Join(work, "slow")
	if err := plant(backing, b.slowFiles); err != nil {
		return err
	}
	if err := os.Mkdir(tree, 0o755); err != nil {
		return err
	}
	unmount, err := slowfs.Mount(backing, tree, b.delay)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%d files in %d directories, %v more for each operation", b.slowFiles, b.slowFiles/perDir, b.delay)
	err = b.turns(ctx, title, tools, tree)
	if err := unmount(); err != nil {
		return fmt.Errorf("unmount %s: %w", tree, err)
	}
	return err
}

// turns lets the tools take turns and prints what they took.
func (b *bench) turns(ctx context.Context, title string, tools []tool, tree string) error {
	id := 10_000
	change, noop := make([]series, len(tools)), make([]series, len(tools))
	for range b.rounds {
		for i, t := range tools {
			id++
			owner := strconv.Itoa(id) + ":" + strconv.Itoa(id)
			for _, s := range []*series{&change[i], &noop[i]} {
				if err := s.add(ctx, t, owner, tree); err != nil {
					return err
				}
				if err := owned(tree, id); err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
			}
		}
	}
	fmt.Printf("\n%s, median of %d\n\n", title, b.rounds)
	report("every owner changes", tools, change)
	report("nothing to do", tools, noop)
	return nil
}
