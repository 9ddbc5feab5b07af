package main

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/initbox/initbox/e2e/podstart"
)

// A row is one line of the report.
type row struct {
	what, measured, who           string
	median, spread, ratio, target string
	result                        string // reached or missed
	ours                          string // the median of initbox
	unmeasured                    bool
	curve                         *curve // a line of another table
}

var head = []string{"what", "measured", "who", "median", "p10 to p90", "initbox / this", "to reach", ""}

// markdown returns rows as a table, and the curves among them as a second table.
func markdown(rows []row) string {
	i := slices.IndexFunc(rows, func(r row) bool { return r.curve != nil })
	if i < 0 {
		return comparisons(rows)
	}
	var b strings.Builder
	if i > 0 {
		b.WriteString(comparisons(rows[:i]) + "\n")
	}
	b.WriteString("| what | of how many | median | each one more, at the end |\n| --- | --- | --- | --- |\n")
	for _, r := range rows[i:] {
		b.WriteString(r.curve.line())
	}
	return b.String()
}

// comparisons returns a table. A line leaves out what it has in common with the line
// above.
func comparisons(rows []row) string {
	var b strings.Builder
	line := func(cells ...string) { fmt.Fprintf(&b, "| %s |\n", strings.Join(cells, " | ")) }
	line(head...)
	b.WriteString("|" + strings.Repeat(" --- |", len(head)) + "\n")
	var above row
	for _, r := range rows {
		what, measured := r.what, r.measured
		if what == above.what {
			what = ""
			if measured == above.measured {
				measured = ""
			}
		}
		line(what, measured, r.who, r.median, r.spread, r.ratio, r.target, r.result)
		above = r
	}
	return b.String()
}

// felt are the measurements whose ratio users notice, each with one peer: the README shows them.
var felt = []row{
	{what: "a port opens", measured: "listen() to exit, median", who: "sh, nc -z, every second"},
	{what: "pod start, six steps", measured: "creation to start of the application", who: string(podstart.SixShell)},
	{what: "chown of 200000 files", measured: "nothing to do", who: coreutilsChown},
}

// quote returns the rows that are in shown, as a table of ratios.
func quote(rows, shown []row) string {
	var b strings.Builder
	b.WriteString("| what | initbox | beside it | |\n|" + strings.Repeat(" --- |", 4) + "\n")
	for _, r := range rows {
		ratio, err := strconv.ParseFloat(r.ratio, 64)
		if err != nil || !slices.ContainsFunc(shown, func(s row) bool { return s.what == r.what && s.measured == r.measured && s.who == r.who }) {
			continue
		}
		fmt.Fprintf(&b, "| %s: %s | %s | %s: %s | %.2g times sooner |\n", r.what, r.measured, r.ours, r.who, r.median, 1/ratio)
	}
	return b.String()
}

const (
	quoteBegin = "<!-- Measured: written by the benchmark, do not edit. -->\n"
	quoteEnd   = "<!-- End of what was measured. -->\n"
)

// insert puts a table between the marks of a page.
func insert(file, table string) error {
	page, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	before, rest, found := bytes.Cut(page, []byte(quoteBegin))
	_, after, closed := bytes.Cut(rest, []byte(quoteEnd))
	if !found || !closed {
		return fmt.Errorf("%s has no lines %q and %q, between which the table goes", file, strings.TrimSpace(quoteBegin), strings.TrimSpace(quoteEnd))
	}
	return os.WriteFile(file, slices.Concat(before, []byte(quoteBegin+"\n"+table+"\n"+quoteEnd), after), 0o644)
}

func mark(reached bool) string {
	if reached {
		return "reached"
	}
	return "**missed**"
}

// percentile returns the value that p percent of values do not exceed, by nearest rank.
func percentile[T cmp.Ordered](values []T, p int) T {
	sorted := slices.Sorted(slices.Values(values))
	rank := (p*len(sorted) + 99) / 100
	return sorted[max(rank, 1)-1]
}

// Units.

func seconds(s float64) string {
	switch {
	case s < 1e-3:
		return fmt.Sprintf("%.3g µs", s*1e6)
	case s < 1:
		return fmt.Sprintf("%.1f ms", s*1e3)
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	}
	return fmt.Sprintf("%.1f s", s)
}

func megabytes(b float64) string { return fmt.Sprintf("%.1f MB", b/1e6) }
func number(n float64) string    { return fmt.Sprintf("%.0f", n) }
func perSecond(n float64) string { return fmt.Sprintf("%.*f/s", decimals(n), n) }

func in(d time.Duration) float64 { return d.Seconds() }

// decimals returns how many decimals are worth showing.
func decimals(n float64) int {
	if n < 100 && n != math.Trunc(n) {
		return 1
	}
	return 0
}
