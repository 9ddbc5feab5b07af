package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/testdir"
)

const folderPrefix = "initbox-bench-"

// slowName is where [slowed] mounts in a temporary folder.
const slowName = "slow"

// temporary makes a folder in parent, or in [os.TempDir] if that is empty, and removes
// what benchmarks left there that were killed.
func temporary(parent string) (path string, remove func(), err error) {
	if parent == "" {
		parent = os.TempDir()
	}
	old, err := filepath.Glob(filepath.Join(parent, folderPrefix+"*"))
	if err != nil {
		return "", nil, err
	}
	for _, dir := range old {
		if !testdir.Held(dir) { // mounted or not, nobody needs it
			_ = unix.Unmount(filepath.Join(dir, slowName), unix.MNT_DETACH)
		}
	}
	made, err := testdir.Make(parent, folderPrefix)
	if err != nil {
		return "", nil, err
	}
	return made.Path, func() { _ = made.Remove() }, nil
}

// A helper is what test servers ask of a test, for a program.
type helper struct{ cleanups []func() }

func (h *helper) Helper()          {}
func (h *helper) Cleanup(f func()) { h.cleanups = append(h.cleanups, f) }

// Fatal ends the benchmark; cleanup recovers it.
func (h *helper) Fatal(args ...any) {
	panic(fatal(strings.TrimSpace(fmt.Sprintln(args...))))
}

type fatal string

// cleanup ends what was started, and makes the end by Fatal an error.
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
