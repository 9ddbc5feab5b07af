package chown

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/tasks"
)

const (
	progressEvery = 10 * time.Second
	shownErrors   = 10
)

// A report counts what happens to entries. All of it may be used by several
// goroutines.
type report struct {
	log   *slog.Logger
	start time.Time

	seen     atomic.Int64 // entries that were looked at
	changed  atomic.Int64
	vanished atomic.Int64
	skipped  atomic.Int64 // left alone for their other names
	linked   atomic.Int64 // changed in spite of their other names
	stripped atomic.Int64 // files that lost setuid or setgid bits
	mounts   atomic.Int64 // mount points that were not entered
	failed   atomic.Int64

	mu    sync.Mutex
	first error // the first failure
}

// fail counts a failure. explain is asked only for those that are shown.
func (r *report) fail(err error, explain func() string) {
	n := r.failed.Add(1)
	if n > shownErrors {
		return
	}
	next := tasks.NextOf(err)
	if next == "" {
		next = explain()
	}
	attrs := []any{"error", err}
	if next != "" {
		attrs = append(attrs, "next", next)
		err = tasks.WithNext(err, next)
	}
	r.log.Error("failed", attrs...)
	if n == shownErrors {
		r.log.Warn("further failures are only counted")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.first == nil {
		r.first = err
	}
}

// progress logs how far the walk is until ctx is done.
func (r *report) progress(ctx context.Context) {
	tick := time.NewTicker(progressEvery)
	defer tick.Stop()
	last := int64(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			seen := r.seen.Load()
			r.log.Info("progress", "seen", seen, "changed", r.changed.Load(), "failed", r.failed.Load(),
				"per second", (seen-last)/int64(progressEvery/time.Second))
			last = seen
		}
	}
}

// sums is the line for the termination message.
func (r *report) sums(dryRun bool) string {
	verb := "changed"
	if dryRun {
		verb = "would change"
	}
	line := fmt.Sprintf("%s seen, %d %s", text.Count(r.seen.Load(), "entry", "entries"), r.changed.Load(), verb)
	for _, part := range []struct {
		n         *atomic.Int64
		one, many string
	}{
		{&r.failed, "failed", "failed"},
		{&r.vanished, "vanished", "vanished"},
		{&r.skipped, "skipped (hard links)", "skipped (hard links)"},
		{&r.mounts, "mount not entered", "mounts not entered"},
	} {
		if n := part.n.Load(); n > 0 {
			line += ", " + text.Count(n, part.one, part.many)
		}
	}
	if took := time.Since(r.start); took >= time.Second {
		line += fmt.Sprintf(", %.0f entries/s", float64(r.seen.Load())/took.Seconds())
	}
	return line
}

// warn says what the user may not expect, once each.
func (r *report) warn(dryRun bool) {
	were, show := "were changed", "show it"
	if dryRun {
		were, show = "would be changed", "would show it"
	}
	if n := r.linked.Load(); n > 0 {
		r.log.Warn("files with other names (hard links) "+were+", and the other names "+show, "files", n, "next", "--hardlinks=skip leaves them alone")
	}
	if n := r.skipped.Load(); n > 0 {
		r.log.Warn("files with other names (hard links) were left alone", "files", n)
	}
	if n := r.stripped.Load(); n > 0 {
		r.log.Warn("files lost setuid or setgid bits when they changed hands", "files", n, "next", "--preserve-special keeps them")
	}
	if n := r.mounts.Load(); n > 0 {
		r.log.Info("other mounts below the path were left alone", "mounts", n, "next", "--cross-mounts enters them")
	}
}

// err sums the failures up, nil if there were none.
func (r *report) err() error {
	n := r.failed.Load()
	if n == 0 {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if n == 1 {
		return r.first
	}
	return tasks.WithNext(fmt.Errorf("%d of %d entries failed, the first: %w", n, r.seen.Load(), r.first), tasks.NextOf(r.first))
}
