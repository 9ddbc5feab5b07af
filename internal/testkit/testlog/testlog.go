// Package testlog gives tests a log that they can read while it is being written.
package testlog

import (
	"bytes"
	"strings"
	"sync"
)

// A Buffer holds what was written to it. It is safe for concurrent use. The zero
// value is ready to use.
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
	b.callDue()
	return n, err
}

// When calls do once, in a new goroutine, as soon as the log contains text. A test
// that waits this way depends on no clock.
func (b *Buffer) When(text string, do func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.awaited == nil {
		b.awaited = make(map[string]func())
	}
	b.awaited[text] = do
	b.callDue()
}

func (b *Buffer) callDue() {
	for text, do := range b.awaited {
		if strings.Contains(b.buf.String(), text) {
			delete(b.awaited, text)
			go do()
		}
	}
}

// String returns everything written so far.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
