// Package testlog gives tests a log that they can read while it is written.
package testlog

import (
	"bytes"
	"sync"
)

// A Buffer holds what was written to it, by several goroutines at once. The zero
// value is ready for use.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
