package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/initbox/initbox/e2e/files-bench/slowfs"
)

const (
	smallFile = 4 << 10
	largeFile = 2 << 30
)

// copyTools take a source directory and a destination that is not there yet. In
// cp -T it is the name of the copy then, and later too.
func (b *bench) copyTools() []tool {
	return []tool{
		{"initbox copy-config", []string{b.initbox, "copy-config"}},
		{"the same, --fsync=never", []string{b.initbox, "copy-config", "--fsync=never"}},
		{"coreutils cp -a", []string{"cp", "-aT"}},
		{"busybox cp -a", []string{"busybox", "cp", "-aT"}},
		{"rsync -a", []string{"rsync", "-a"}},
		{"rsync -ac", []string{"rsync", "-ac"}}, // compares contents, as initbox does
	}
}

// copy measures the copy of many small files and of a large one, and a run that
// finds nothing to do, which cp copies again.
func (b *bench) copy(ctx context.Context) error {
	work, err := os.MkdirTemp(b.dir, "files-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	if b.copyFiles > 0 {
		if err := plantCopies(filepath.Join(work, "src"), b.copyFiles, smallFile); err != nil {
			return err
		}
		title := fmt.Sprintf("%d files of %d KiB on the disk", b.copyFiles, smallFile>>10)
		if err := b.copyTurns(ctx, title, work, work, b.rounds); err != nil {
			return err
		}
	}
	if b.largeFile {
		if err := os.RemoveAll(filepath.Join(work, "src")); err != nil {
			return err
		}
		if err := plantCopies(filepath.Join(work, "src"), 1, largeFile); err != nil {
			return err
		}
		if err := b.copyTurns(ctx, "one file of 2 GiB on the disk", work, work, b.rounds); err != nil {
			return err
		}
	}
	if b.slowCopies == 0 {
		return nil
	}
	return b.slowCopy(ctx, filepath.Join(work, "backing"), filepath.Join(work, "slow"))
}

func (b *bench) slowCopy(ctx context.Context, backing, slow string) error {
	if err := plantCopies(filepath.Join(backing, "src"), b.slowCopies, smallFile); err != nil {
		return err
	}
	if err := os.Mkdir(slow, 0o755); err != nil {
		return err
	}
	unmount, err := slowfs.Mount(backing, slow, b.delay)
	if err != nil {
		return err
	}
	title := fmt.Sprintf("%d files of %d KiB, %v more for each operation", b.slowCopies, smallFile>>10, b.delay)
	err = b.copyTurns(ctx, title, slow, backing, 1) // a tool takes minutes, and the delay makes up for the noise
	if err := unmount(); err != nil {
		return fmt.Errorf("unmount %s: %w", slow, err)
	}
	return err
}

// copyTurns lets the tools take turns at at/src and prints what they took. What
// they make is looked at and removed in backing, where it is as well.
func (b *bench) copyTurns(ctx context.Context, title, at, backing string, rounds int) error {
	tools := b.copyTools()
	first, again := make([]series, len(tools)), make([]series, len(tools))
	for round := range rounds {
		for i, t := range tools {
			name := fmt.Sprintf("dst-%d-%d", round, i)
			syscall.Sync() // nobody pays for what another has left to write
			for _, s := range []*series{&first[i], &again[i]} {
				if err := s.add(ctx, t, filepath.Join(at, "src")+"/", filepath.Join(at, name)); err != nil {
					return err
				}
			}
			if err := sameTree(filepath.Join(backing, "src"), filepath.Join(backing, name)); err != nil {
				return fmt.Errorf("%s: %w", t.name, err)
			}
			if err := os.RemoveAll(filepath.Join(backing, name)); err != nil {
				return err
			}
		}
	}
	fmt.Printf("\n%s, median of %d\n\n", title, rounds)
	report("first run", tools, first)
	report("the same again", tools, again)
	return nil
}

// plantCopies makes files of random content, perDir of them in each directory.
func plantCopies(root string, files int, size int64) error {
	source := rand.NewChaCha8([32]byte{1})
	for i := range files {
		path := filepath.Join(root, fmt.Sprintf("d%05d", i/perDir), fmt.Sprintf("file-%04d.dat", i%perDir))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		_, err = io.CopyN(f, source, size)
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// sameTree fails unless the copy has each file of the source, whole: no tool gets
// a time for work that it has not done.
func sameTree(src, dst string) error {
	return filepath.WalkDir(src, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		copied := filepath.Join(dst, strings.TrimPrefix(path, src))
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Size() > smallFile {
			got, err := os.Stat(copied)
			if err == nil && got.Size() != info.Size() {
				err = fmt.Errorf("%s has %d bytes", copied, got.Size())
			}
			return err
		}
		want, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		got, err := os.ReadFile(copied)
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("%s differs", copied)
		}
		return err
	})
}
