// Package testtask runs a Task in a test as the command line would, and returns
// the outcome.
package testtask

import (
	"context"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/tasks"
)

// An Outcome is the result of one run of a Task.
type Outcome struct {
	Err     error
	Changes int64
	Log     string
	Summary []string
}

// Text returns everything that a user would read.
func (o Outcome) Text() string {
	s := o.Log + strings.Join(o.Summary, "\n")
	if o.Err != nil {
		s += "\nerror: " + o.Err.Error() + "\nnext: " + fault.NextOf(o.Err)
	}
	return s
}

// Run checks and runs task. The functions with may change its Env first.
func Run(ctx context.Context, task tasks.Task, with ...func(*tasks.Env)) Outcome {
	log := new(testlog.Buffer)
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(log, nil)), io.Discard, false)
	for _, shape := range with {
		shape(env)
	}
	err := task.Check()
	if err == nil {
		err = task.Run(ctx, env)
	}
	return Outcome{err, env.Changes(), log.String(), env.Summary()}
}

// DryRun makes [Run] a dry-run.
func DryRun(env *tasks.Env) { env.DryRun = true }

// Again returns a command that runs this test binary again, for a test that needs
// a process of its own: other rights, mounts, a limit, a violent end. Its TestMain
// finds value in the environment variable. The process does not outlive the test.
func Again(variable, value string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe") // another user may not be able to reach its path
	cmd.Env = append(os.Environ(), variable+"="+value, "GORACE=atexit_sleep_ms=0")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}
