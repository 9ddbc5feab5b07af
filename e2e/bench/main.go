// Bench measures what initbox costs and how soon it sees a port open, side by
// side with the shell line that it replaces, and how fast it migrates, side by side
// with other tools, and prints Markdown tables.
//
// A run that fails ends the benchmark with an error; a target that is missed is
// in the table, because a busy machine misses them too.
//
//	go run ./bench -initbox ../bin/initbox
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

// netcat is Debian's package netcat-openbsd; make install-tools installs it.
const netcat = "nc.openbsd"

func main() {
	var b bench
	path := flag.String("initbox", "../bin/initbox", "the binary to measure")
	brief := flag.Bool("brief", false, "a few runs of each, to see that the benchmark works")
	flag.IntVar(&b.costRuns, "cost-runs", 400, "runs for the cost of the process")
	flag.IntVar(&b.latencyRuns, "latency-runs", 100, "runs for the latency of detection")
	flag.IntVar(&b.migrateRuns, "migrate-runs", 5, "databases that each migration tool migrates")
	flag.IntVar(&b.noopRuns, "noop-runs", 20, "runs that find nothing to migrate, on each of these")
	flag.Parse()
	if *brief {
		b.costRuns, b.latencyRuns, b.migrateRuns, b.noopRuns = 3, 2, 1, 1
	}
	var err error
	if b.initbox, err = filepath.Abs(*path); err == nil {
		err = b.run()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

type bench struct {
	initbox               string
	costRuns, latencyRuns int
	migrateRuns, noopRuns int
}

func (b *bench) run() error {
	info, err := os.Stat(b.initbox)
	if err != nil {
		return fmt.Errorf("%w: make build makes it", err)
	}
	cost, err := b.cost()
	if err != nil {
		return fmt.Errorf("process cost: %w", err)
	}
	latency, err := b.latency()
	if err != nil {
		return fmt.Errorf("detection latency: %w", err)
	}
	migrations, err := b.migrate()
	if err != nil {
		return fmt.Errorf("migrations: %w", err)
	}
	verify, err := b.verify()
	if err != nil {
		return fmt.Errorf("verify-cert: %w", err)
	}
	fmt.Printf("%s\n\n", machine())
	fmt.Printf("Process cost, port open, %d runs of each in turn:\n\n%s\n", b.costRuns, cost)
	fmt.Printf("Detection latency, from listen() to the exit of the process, port opens at random after %s to %s, %d runs of each:\n\n%s\n",
		openAfter, openAfter+openWithin, b.latencyRuns, latency)
	fmt.Printf("Migrations on PostgreSQL, medians of four command lines in turn, %d databases each, %d runs with nothing to do on each of these:\n\n%s\n",
		b.migrateRuns, b.noopRuns, migrations)
	fmt.Printf("A mounted certificate, %d runs of each in turn:\n\n%s\n", b.costRuns, verify)
	size := table{{"", "reached", "target", ""}}
	size.add("stripped binary", mb(info.Size()), "", "")
	fmt.Printf("Size:\n\n%s", size)
	return nil
}
