// Package command runs other programs, whose complaints become errors.
package command

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// A Command is a program and where it runs.
type Command struct {
	Folder string
	Env    []string // besides those of this process
	Args   []string // the first is the program
}

// Output returns what the program printed. Its error, an *exec.ExitError if the program
// ran, holds what it complained of.
func (c Command) Output(ctx context.Context) (string, error) {
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, c.Args[0], c.Args[1:]...)
	cmd.Dir, cmd.Env = c.Folder, append(os.Environ(), c.Env...)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s: %w\n%s", strings.Join(c.Args, " "), err, strings.TrimSpace(complaint.String()))
	}
	return out.String(), nil
}

// Output runs a program in this folder.
func Output(ctx context.Context, args ...string) (string, error) {
	return Command{Args: args}.Output(ctx)
}
