// Package command runs other programs and turns their stderr into errors.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// A Command is a program and where it runs.
type Command struct {
	Folder string
	Env    []string // in addition to those of this process
	Args   []string // the first is the program
}

// A Result is the outcome of a program that ran.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Run runs the program. A failure of the program is not an error, but that it cannot run is.
func (c Command) Run(ctx context.Context) (Result, error) {
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env = c.Folder, append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		return Result{}, fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, stderr.String())
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}, nil
}

// Output returns what the program printed, and an error if it failed.
func (c Command) Output(ctx context.Context) (string, error) {
	r, err := c.Run(ctx)
	if err == nil && r.Code != 0 {
		err = fmt.Errorf("%s: exit code %d\n%s", strings.Join(c.Args, " "), r.Code, strings.TrimSpace(r.Stderr))
	}
	return r.Stdout, err
}

// Output runs a program in this folder.
func Output(ctx context.Context, args ...string) (string, error) {
	return Command{Args: args}.Output(ctx)
}
