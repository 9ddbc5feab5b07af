package main

import (
	"fmt"
	"slices"
	"strings"
)

// A helper takes the place of a test where a program uses the servers for tests.
type helper struct{ cleanups []func() }

func (h *helper) Helper()          {}
func (h *helper) Cleanup(f func()) { h.cleanups = append(h.cleanups, f) }

// Fatal ends the benchmark; cleanup recovers it.
func (h *helper) Fatal(args ...any) {
	panic(fatal(strings.TrimSpace(fmt.Sprintln(args...))))
}

type fatal string

// cleanup ends what was started, and turns a call of Fatal into an error.
func (h *helper) cleanup(err *error) {
	if p := recover(); p != nil {
		text, ours := p.(fatal)
		if !ours {
			panic(p)
		}
		*err = fmt.Errorf("%s", string(text))
	}
	for _, f := range slices.Backward(h.cleanups) {
		f()
	}
}

// folder makes a temporary folder.
func (h *helper) folder() string {
	path, remove, err := temporary("")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(remove)
	return path
}
