package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A tool is a command that takes an owner and a path.
type tool struct {
	name    string
	command []string
}

// A sample is what one run of a tool took.
type sample struct {
	wall, cpu time.Duration
	rss       int64 // KiB at its peak
}

// A series is all runs of one tool at one task.
type series []sample

func (s *series) add(ctx context.Context, t tool, owner, tree string) error {
	argv := append(slices.Clone(t.command), owner, tree)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return err
	}
	peak, done := make(chan int64), make(chan struct{})
	go func() { peak <- watch(cmd.Process.Pid, done) }()
	err := cmd.Wait()
	wall := time.Since(start)
	close(done)
	rss := <-peak
	if err != nil {
		return fmt.Errorf("%v: %w: %s", argv, err, out.Bytes())
	}
	*s = append(*s, sample{wall, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), rss})
	return nil
}

// watch returns the peak of the memory of a process in KiB. Its rusage would
// count what this process had when it started it.
func watch(pid int, done <-chan struct{}) (peak int64) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return peak
		case <-tick.C:
		}
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		if err != nil {
			continue
		}
		if _, rest, ok := strings.Cut(string(text), "VmHWM:"); ok {
			var kib int64
			if n, _ := fmt.Sscan(rest, &kib); n == 1 {
				peak = max(peak, kib)
			}
		}
	}
}

// median returns the median of each figure, and the peak of the memory.
func (s series) median() sample {
	walls, cpus, m := make([]time.Duration, 0, len(s)), make([]time.Duration, 0, len(s)), sample{}
	for _, r := range s {
		walls, cpus, m.rss = append(walls, r.wall), append(cpus, r.cpu), max(m.rss, r.rss)
	}
	slices.Sort(walls)
	slices.Sort(cpus)
	m.wall, m.cpu = walls[len(walls)/2], cpus[len(cpus)/2]
	return m
}

// report prints a table; the first tool is ours.
func report(title string, tools []tool, all []series) {
	fmt.Println(title)
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	defer w.Flush()
	ours := all[0].median()
	for i, t := range tools {
		m := all[i].median()
		fmt.Fprintf(w, "  %s\t%.3f s\tcpu %.3f s\tpeak %.1f MiB\t%.1f times ours\n",
			t.name, m.wall.Seconds(), m.cpu.Seconds(), float64(m.rss)/1024, m.wall.Seconds()/ours.wall.Seconds())
	}
}
