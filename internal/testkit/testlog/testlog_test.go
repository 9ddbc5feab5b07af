package testlog

import (
	"io"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testtime"
)

func TestWhen(t *testing.T) {
	var b Buffer
	done := make(chan string, 9)
	when := func(text string) { b.When(text, func() { done <- text }) }
	when("waiting")
	_, _ = io.WriteString(&b, "wait")
	if len(done) > 0 {
		t.Error("called for half of the text")
	}
	for _, s := range []string{"ing", " waiting"} {
		_, _ = io.WriteString(&b, s)
	}
	when("wait")
	for range 2 {
		select {
		case <-done:
		case <-time.After(testtime.Patience):
			t.Fatal("not called")
		}
	}
	when("never")
	time.Sleep(10 * time.Millisecond)
	if len(done) > 0 {
		t.Errorf("called once more, for %q", <-done)
	}
}
