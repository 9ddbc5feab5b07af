package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The indexes in the sample of a command.
const (
	wall = iota // seconds
	cpu         // seconds
	peak        // bytes; only of weigh
)

// timed measures the wall and CPU time of one command.
func timed(ctx context.Context, argv ...string) (sample, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err := cmd.Run()
	took := time.Since(start)
	if err != nil {
		text := out.Bytes()
		return nil, fmt.Errorf("%s: %w\n%s", strings.Join(argv, " "), err, text[max(0, len(text)-2000):])
	}
	return sample{in(took), in(cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime())}, nil
}

// weigh measures the peak of memory as well. A new process inherits the peak of its
// parent, and ours is higher than what we measure. So GNU time starts the command: it
// is small, and takes a millisecond.
func weigh(ctx context.Context, argv ...string) (sample, error) {
	dir, remove, err := temporary("")
	if err != nil {
		return nil, err
	}
	defer remove()
	out := filepath.Join(dir, "peak")
	s, err := timed(ctx, slices.Concat([]string{"/usr/bin/time", "--format=%M", "--output=" + out}, argv)...)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return nil, err
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return append(s, float64(kib*1024)), err
}

// command returns a contender that always runs the same command.
func command(name string, measure func(context.Context, ...string) (sample, error), argv ...string) contender {
	return contender{name: name, run: func(ctx context.Context, _ int) (sample, error) { return measure(ctx, argv...) }}
}
