package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

// A stage prints what the parts of the demo say, one line at a time.
type stage struct {
	mu    sync.Mutex
	w     io.Writer
	start time.Time
}

func newStage(w io.Writer) *stage { return &stage{w: w, start: time.Now()} }

// say prints a line of who, with the time since the start.
func (s *stage) say(who, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintf(s.w, "%5.2f s  %-11s  %s\n", time.Since(s.start).Seconds(), who, fmt.Sprintf(format, args...))
}

// print prints text as it is.
func (s *stage) print(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprintln(s.w, text)
}
