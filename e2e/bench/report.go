package main

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"time"
)

// percentile returns the value that p percent of values do not exceed, by nearest rank.
func percentile[T cmp.Ordered](values []T, p int) T {
	sorted := slices.Sorted(slices.Values(values))
	rank := (p*len(sorted) + 99) / 100
	return sorted[max(rank, 1)-1]
}

func ms(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d)/float64(time.Millisecond))
}

// A table is rows of cells, the first one the head.
type table [][]string

func (t *table) add(cells ...string) { *t = append(*t, cells) }

// String returns t as Markdown.
func (t table) String() string {
	var b strings.Builder
	for i, row := range t {
		fmt.Fprintf(&b, "| %s |\n", strings.Join(row, " | "))
		if i == 0 {
			b.WriteString("|" + strings.Repeat(" --- |", len(row)) + "\n")
		}
	}
	return b.String()
}

func mark(reached bool) string {
	if reached {
		return "reached"
	}
	return "missed"
}

// machine says on what was measured, and with which versions.
func machine() string {
	return fmt.Sprintf("Measured on %s, %d cores, Linux %s, %s, netcat-openbsd %s.",
		field("/proc/cpuinfo", "model name"), runtime.NumCPU(), first("uname", "-r"), runtime.Version(),
		first("dpkg-query", "-W", "-f", "${Version}", "netcat-openbsd"))
}

// field returns the value of the first line of a file that begins with name.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "an unknown machine"
}

// first returns the first line that a command prints, or "?".
func first(name string, args ...string) string {
	out, err := exec.Command(name, args...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "?"
	}
	return line
}
