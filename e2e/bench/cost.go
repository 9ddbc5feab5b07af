package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/lateport"
)

// A contender is one command that waits for a port.
type contender struct {
	name string
	argv []string
}

func (c contender) command() *exec.Cmd { return exec.Command(c.argv[0], c.argv[1:]...) }

// cost measures wall time and peak memory of one look at an open port.
func (b *bench) cost() (table, error) {
	port, err := lateport.Reserve()
	if err != nil {
		return nil, err
	}
	l, err := port.Listen()
	if err != nil {
		return nil, err
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	nc, initbox := b.openContenders(port.Addr())
	all := []contender{nc, initbox}
	wall, err := b.wallTimes(all)
	if err != nil {
		return nil, err
	}
	rss := make([][]int64, len(all))
	for range max(b.costRuns/10, 3) {
		for k, c := range all {
			peak, err := peakRSS(c)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			rss[k] = append(rss[k], peak)
		}
	}
	t := table{{"", "`" + nc.name + "`", "`" + initbox.name + "`", "ratio", "target", ""}}
	theirs, ours := percentile(wall[0], 50), percentile(wall[1], 50)
	ratio := float64(ours) / float64(theirs)
	t.add("wall time, median", ms(theirs), ms(ours), fmt.Sprintf("%.2f", ratio), "≤ 1.3x", mark(ratio <= 1.3))
	t.add("wall time, p10 to p90", spread(wall[0]), spread(wall[1]), "", "", "")
	theirPeak, ourPeak := percentile(rss[0], 50), percentile(rss[1], 50)
	t.add("peak RSS, median", mb(theirPeak), mb(ourPeak),
		fmt.Sprintf("%.2f", float64(ourPeak)/float64(theirPeak)), "≤ 8 MB", mark(ourPeak <= 8e6))
	return t, nil
}

// wallTimes runs the contenders in turn, each as often as the other, so that a
// busy moment meets both.
func (b *bench) wallTimes(all []contender) ([][]time.Duration, error) {
	wall := make([][]time.Duration, len(all))
	for i := range b.costRuns {
		for j := range all {
			k := (i + j) % len(all)
			start := time.Now()
			if err := all[k].command().Run(); err != nil {
				return nil, fmt.Errorf("%s: %w", all[k].name, err)
			}
			wall[k] = append(wall[k], time.Since(start))
		}
	}
	return wall, nil
}

func (b *bench) openContenders(addr string) (nc, initbox contender) {
	line := netcat + " -z " + strings.ReplaceAll(addr, ":", " ")
	return contender{"sh -c '" + netcat + " -z …'", []string{"sh", "-c", line}},
		contender{"initbox wait-tcp …", []string{b.initbox, "wait-tcp", addr}}
}

// peakRSS returns the peak memory of one run, in bytes. The kernel lets a new
// process inherit the peak of the one that started it, which for us is more than
// what we measure; so GNU time starts it, which is small.
func peakRSS(c contender) (int64, error) {
	dir, err := os.MkdirTemp("", "initbox-bench-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "rss")
	cmd := exec.Command("/usr/bin/time", append([]string{"--format=%M", "--output=" + out}, c.argv...)...)
	if err := cmd.Run(); err != nil {
		return 0, err
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return 0, err
	}
	kib, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	return kib * 1024, err
}

func mb(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func spread(d []time.Duration) string { return ms(percentile(d, 10)) + " to " + ms(percentile(d, 90)) }
