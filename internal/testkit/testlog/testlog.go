// Package testlog gives tests a log that they can read while it is written.
package testlog

import (
	"bytes"
	"strings"
	"sync"
)

// A Buffer holds what was written to it, by several goroutines at once. The zero
// value is ready for use.
type Buffer struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	awaited map[string]func()
}

// Write implements io.Writer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.buf.Write(p)
	b.tell()
	return n, err
}

// When calls do once, in a goroutine of its own, as soon as what was written
// holds text: a test that waits for that depends on no clock.
func (b *Buffer) When(text string, do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.awaited == nil {
		b.awaited = make(map[string]func())
	}
	b.awaited[text] = do
	b.tell()
}

func (b *Buffer) tell() {
	for text, do := range b.awaited {
		if strings.Contains(b.buf.String(), text) {
			delete(b.awaited, text)
			go do()
		}
	}
}

// String returns what was written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
