package kubernetes

import (
	"context"
	"fmt"
	"strings"
)

// contains succeeds when text returns a text that contains want.
func contains(text func() string, want string) func(context.Context) error {
	return func(context.Context) error {
		if got := text(); !strings.Contains(got, want) {
			return fmt.Errorf("no %q in:\n%s", want, got)
		}
		return nil
	}
}
