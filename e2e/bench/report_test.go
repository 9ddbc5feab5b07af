package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, tt := range []struct {
		values  []int
		p, want int
	}{
		{hundred, 1, 1}, {hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100},
		{[]int{7}, 50, 7}, {[]int{3, 1, 2}, 50, 2}, {[]int{3, 1, 2}, 99, 3},
	} {
		if got := percentile(tt.values, tt.p); got != tt.want {
			t.Errorf("p%d of %d values = %d, want %d", tt.p, len(tt.values), got, tt.want)
		}
	}
}

// fixed is a contender that always measures the same.
func fixed(name string, values ...float64) contender {
	return contender{name: name, run: func(context.Context, int) (sample, error) { return values, nil }}
}

func TestComparison(t *testing.T) {
	c := comparison{
		what: "job", rounds: 3,
		metrics: []metric{
			{name: "wall", unit: seconds, targets: []target{{0.030, ""}, {0.5, "slow"}, {0.1, "quick"}, {1, "none"}}},
			{name: "memory", of: 1, unit: megabytes},
		},
		contenders: []contender{fixed("ours", 0.020, 8e6), fixed("slow", 0.100, 2e6), fixed("quick", 0.010, 2e6), {name: "none", missing: "not on PATH"}},
	}
	rows, err := c.measure(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"| what | measured | who | median | p10 to p90 | initbox / this | to reach |  |",
		"| --- | --- | --- | --- | --- | --- | --- | --- |",
		"| job | wall | ours | 20.0 ms | 20.0 ms to 20.0 ms |  | ≤ 30.0 ms | reached |",
		"|  |  | slow | 100.0 ms | 100.0 ms to 100.0 ms | 0.2 | ≤ 0.5x | reached |",
		"|  |  | quick | 10.0 ms | 10.0 ms to 10.0 ms | 2 | ≤ 0.1x | **missed** |",
		"|  |  | none | missing |  |  | not on PATH; to reach: ≤ 1x |  |",
		"|  | memory | ours | 8.0 MB | 8.0 MB to 8.0 MB |  |  |  |",
		"|  |  | slow | 2.0 MB | 2.0 MB to 2.0 MB | 4 |  |  |",
		"|  |  | quick | 2.0 MB | 2.0 MB to 2.0 MB | 4 |  |  |",
		"|  |  | none | missing |  |  | not on PATH |  |",
		"",
	}, "\n")
	if got := markdown(rows); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	want = strings.Join([]string{
		"| what | initbox | beside it | |",
		"| --- | --- | --- | --- |",
		"| job: wall | 20.0 ms | slow: 100.0 ms | 5 times sooner |",
		"",
	}, "\n")
	if got := quote(rows, []row{{what: "job", measured: "wall", who: "slow"}}); got != want {
		t.Errorf("quoted is\n%swant\n%s", got, want)
	}
}

func TestCurve(t *testing.T) {
	c := &curve{what: "job", thing: "files", unit: seconds, slope: true}
	c.add(100, 0.1)
	c.add(1100, 0.5, 0.2, 0.3)
	flat := &curve{what: "look", thing: "files", unit: seconds, slope: true}
	flat.add(1, 0.2)
	flat.add(2, 0.2)
	rate := &curve{what: "rate", thing: "pods", unit: perSecond}
	rate.add(1_000_000, 25)
	got := markdown([]row{{what: "x"}, {curve: c}, {curve: flat}, {curve: rate}})
	_, got, _ = strings.Cut(got, "\n\n")
	want := strings.Join([]string{
		"| what | of how many | median | each one more, at the end |",
		"| --- | --- | --- | --- |",
		"| job | files | 100: 100.0 ms<br>1,100: 300.0 ms | 200 µs |",
		"| look | files | 1: 200.0 ms<br>2: 200.0 ms | none to be seen |",
		"| rate | pods | 1,000,000: 25/s |  |",
		"",
	}, "\n")
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestEveryRunMustSucceed(t *testing.T) {
	broken := errors.New("exit status 1")
	for _, atOnce := range []int{0, 2} {
		c := comparison{what: "job", rounds: 2, atOnce: atOnce, contenders: []contender{fixed("ours", 1),
			{name: "peer", run: func(_ context.Context, round int) (sample, error) {
				if round == 1 {
					return nil, broken
				}
				return sample{1}, nil
			}}}}
		if _, err := c.measure(t.Context()); !errors.Is(err, broken) || !strings.Contains(err.Error(), "peer") {
			t.Errorf("%d at once: the error is %v, want %v of peer", atOnce, err, broken)
		}
	}
}

func TestInsert(t *testing.T) {
	page := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(page, []byte("before\n"+quoteBegin+"old\n"+quoteEnd+"after\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := insert(page, "new\n"); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(page)
		if want := "before\n" + quoteBegin + "\nnew\n\n" + quoteEnd + "after\n"; err != nil || string(got) != want {
			t.Errorf("the page is %q (%v), want %q", got, err, want)
		}
	}
	if err := os.WriteFile(page, []byte("no marks"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := insert(page, "new\n"); err == nil {
		t.Error("a page without marks was written to")
	}
}
