package fault_test

import (
	"errors"
	"fmt"
	"io/fs"
	"testing"

	"github.com/initbox/initbox/internal/fault"
)

func TestReword(t *testing.T) {
	cause := fault.WithNext(fault.Finalf("open a: %w", fs.ErrNotExist), "create it")
	err := fmt.Errorf("--file a: %w", fault.Reword(cause, "there is no such file"))
	if got, want := err.Error(), "--file a: there is no such file"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		t.Error("errors.Is does not find the cause")
	}
	if fault.KindOf(err) != fault.Final || fault.NextOf(err) != "create it" {
		t.Errorf("kind %v and next step %q, want those of the cause", fault.KindOf(err), fault.NextOf(err))
	}
}
