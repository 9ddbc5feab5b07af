// Bench measures initbox side by side with what people use today, and writes a
// report in Markdown.
//
//	go run ./bench                     everything, as make bench does
//	go run ./bench -only cost,chown    some of it
//	go run ./bench -only scale         how the cost of each task grows; with -insert
//	                                   ../docs/at-scale.md into that page
//	go run ./bench -brief              a little of everything, to check the benchmark itself
//
// A command that fails ends the benchmark with an error. A missed target is only a
// line of the table, because a busy machine misses targets too.
//
// A [comparison] says what is measured, with which contenders, how often, and which
// targets to reach. Contenders take turns, so that a busy moment affects all of them.
// The table lists a peer that is not installed as missing.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

type bench struct {
	initbox, dir string
	brief        bool
}

// pick returns the amount for this run: in full, or in brief.
func (b *bench) pick(full, brief int) int {
	if b.brief {
		return brief
	}
	return full
}

// A subject is a part of the report.
type subject struct {
	name    string
	measure func(*bench, context.Context) ([]row, error)
	apart   bool // runs only if it is named
}

func subjects() []subject {
	return []subject{
		{"cost", (*bench).cost, false},
		{"quota", (*bench).quota, false},
		{"detection", (*bench).detection, false},
		{"herd", (*bench).herd, false},
		{"chown", (*bench).chown, false},
		{"copy", (*bench).copy, false},
		{"migrate", (*bench).migrate, false},
		{"verify", (*bench).verify, false},
		{"pods", (*bench).pods, false},
		{"size", (*bench).size, false},
		{"scale", (*bench).scale, true},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "bench: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var b bench
	flag.StringVar(&b.initbox, "initbox", "../bin/initbox", "the binary to measure")
	flag.StringVar(&b.dir, "dir", "/var/tmp", "where trees of files are made, on the file system to measure")
	flag.BoolVar(&b.brief, "brief", false, "a few runs of each, to see that the benchmark works")
	only := flag.String("only", "", "the parts to run, separated by commas: "+strings.Join(names(), ", "))
	out := flag.String("out", "", "the file to write the report to, instead of stdout")
	quoted := flag.String("quote", "", "a page to write the main lines into")
	whole := flag.String("insert", "", "a page to write the whole report into")
	flag.Parse()
	chosen, err := choose(*only, b.brief)
	if err != nil {
		return err
	}
	if b.initbox, err = filepath.Abs(b.initbox); err != nil {
		return err
	}
	if _, err := os.Stat(b.initbox); err != nil {
		return fmt.Errorf("%w: run make build", err)
	}
	begin := b.machine(ctx)
	rows, took, err := b.all(ctx, chosen)
	if err != nil {
		return err
	}
	report := fmt.Sprintf("%s\nRepeat it with `%s`, which took, in seconds: %s.\n\n%s", begin, repeat(*only), took, markdown(rows))
	if *quoted != "" {
		err = insert(*quoted, quote(rows, felt))
	}
	if *whole != "" {
		err = errors.Join(err, insert(*whole, report))
	}
	if *out != "" {
		return errors.Join(err, os.WriteFile(*out, []byte("# Measured\n\n"+report), 0o644))
	}
	fmt.Print(report)
	return err
}

func names() (all []string) {
	for _, s := range subjects() {
		all = append(all, s.name)
	}
	return all
}

func repeat(only string) string {
	if only == "" {
		return "make bench"
	}
	return "make build && cd e2e && go run ./bench -only " + only
}

// choose returns the named subjects. Without names it returns all in brief, because
// each must work, and otherwise those that are not apart.
func choose(only string, brief bool) ([]subject, error) {
	all := subjects()
	if only == "" {
		return slices.DeleteFunc(all, func(s subject) bool { return s.apart && !brief }), nil
	}
	var chosen []subject
	for name := range strings.SplitSeq(only, ",") {
		i := slices.IndexFunc(all, func(s subject) bool { return s.name == name })
		if i < 0 {
			return nil, fmt.Errorf("-only: there is no part %q: %s", name, strings.Join(names(), ", "))
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}

// all measures one subject after the other. It returns and prints on stderr how many
// seconds each subject took.
func (b *bench) all(ctx context.Context, chosen []subject) (rows []row, took string, err error) {
	for _, s := range chosen {
		start := time.Now()
		fmt.Fprintf(os.Stderr, "%-10s", s.name)
		more, err := s.measure(b, ctx)
		if err != nil {
			fmt.Fprintln(os.Stderr, "failed")
			return nil, "", fmt.Errorf("%s: %w", s.name, err)
		}
		n := time.Since(start).Seconds()
		fmt.Fprintf(os.Stderr, "%4.0f s\n", n)
		took += fmt.Sprintf(", %s %.0f", s.name, n)
		rows = append(rows, more...)
	}
	return rows, strings.TrimPrefix(took, ", "), nil
}

// measured measures one comparison after the other.
func measured(ctx context.Context, all ...comparison) ([]row, error) {
	var rows []row
	for _, c := range all {
		more, err := c.measure(ctx)
		if err != nil {
			return nil, err
		}
		rows = append(rows, more...)
	}
	return rows, nil
}
