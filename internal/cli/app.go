// Package cli is the command line of initbox. It configures tasks from arguments,
// environment and run-files, runs them, and reports the outcome in log lines, the
// exit code and the termination message. What all tasks share is here, once.
package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/text/redact"
	"github.com/initbox/initbox/tasks"
)

// An App is initbox with a list of tasks.
type App struct {
	Specs []tasks.Spec
	Build Build
	Grace time.Duration // how long a task may take to end after its deadline or a signal; 0 for 5 s
}

// A Process is what an App sees of the operating system.
type Process struct {
	Args           []string // without the program's name
	Env            []string // NAME=VALUE each, as os.Environ returns them
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Signals        <-chan os.Signal
}

// OS returns the Process that this process is. It makes SIGINT and SIGTERM arrive
// on Signals, also for a PID 1, for which the kernel has no default action.
func OS() *Process {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	return &Process{Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals}
}

// Main runs one command line and returns the exit code.
func (a *App) Main(p *Process) int {
	if len(p.Args) == 0 || p.Args[0] == "" {
		fmt.Fprint(p.Stderr, a.overview())
		return a.refuse(p, tasks.Usagef("no task was given: the container's args begin with one, as in args: [wait-tcp, \"postgres:5432\"]"))
	}
	name, args := p.Args[0], p.Args[1:]
	switch name {
	case "help", "-h", "--help":
		return a.help(p, args)
	case "version", "--version":
		return a.version(p, args)
	case "reference":
		return a.reference(p, args)
	}
	spec, err := findTask(a.AllSpecs(p), name, ownCommands...)
	switch {
	case err != nil && strings.HasPrefix(name, "-"):
		return a.refuse(p, tasks.Usagef("the task comes first, its flags follow: initbox TASK %s", name))
	case err != nil:
		return a.refuse(p, err)
	}
	return a.run(p, newCommand(spec), args)
}

// refuse answers a command line that names no task.
func (a *App) refuse(p *Process, err error) int {
	path := newEnviron(p.Env)[envName("", "termination-log")]
	opts := options{terminationLog: cmp.Or(path, defaultTerminationLog), logFormat: "text"}
	v := &verdict{err: &tasks.Error{Kind: tasks.Usage, Err: err, Next: "initbox help"}, secrets: new(redact.Set)}
	v.report(p, newLogger(p.Stderr, opts, v.secrets), opts, a.grace())
	return exitUsage
}

// run configures c, runs it and reports.
func (a *App) run(p *Process, c *command, args []string) int {
	start := time.Now()
	secrets := new(redact.Set)
	e := newEnviron(p.Env)
	err := c.configure(e, args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Fprint(p.Stdout, helpText(c))
		return exitDone
	}
	log := newLogger(p.Stderr, c.opts, secrets)
	env := tasks.NewEnv(log, p.Stdout, c.opts.dryRun)
	env.Secrets, env.Environ = secrets, p.Env
	env.Pod, env.Namespace = e.whoWeAre()
	a.warnUnknown(env, e)
	if err == nil {
		ctx, stop := withSignals(context.Background(), p.Signals)
		err = a.runBounded(ctx, c, env)
		stop()
	}
	if tasks.KindOf(err) == tasks.Usage && tasks.NextOf(err) == "" {
		err = tasks.WithNext(err, helpOf(c.spec.Name))
	}
	newVerdict(c.spec.Name, err, start, env).report(p, log, c.opts, a.grace())
	return exitCode(err)
}

// runBounded runs c within its deadline. A plan is loaded first, since its timeout
// replaces the default one.
func (a *App) runBounded(ctx context.Context, c *command, env *tasks.Env) error {
	if r, ok := c.task.(*runTask); ok {
		if err := execute(ctx, r.load, env, c.spec.Name, c.opts.timeout, a.grace()); err != nil {
			return err
		}
		if r.timeout > 0 && !c.flags.Changed("timeout") {
			c.opts.timeout = r.timeout
		}
	}
	return execute(ctx, c.task.Run, env, c.spec.Name, c.opts.timeout, a.grace())
}

// warnUnknown warns of INITBOX_ variables that have no effect.
func (a *App) warnUnknown(env *tasks.Env, e environ) {
	if len(e.unknown(nil)) == 0 {
		return // as usual, and the flags of all tasks need not be made
	}
	var known []string
	for _, spec := range a.AllSpecs(nil) {
		c := newCommand(spec)
		for _, flag := range c.names() {
			known = append(known, envName(spec.Name, flag))
		}
		for _, flag := range c.shared() {
			known = append(known, envName("", flag))
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	for _, name := range e.unknown(known) {
		attrs, hint := []any{"name", name}, ""
		if near := nearest(name, known); near != "" {
			attrs = append(attrs, "did you mean", near)
			hint = ": did you mean " + near + "?"
		}
		env.Log.Warn("unknown variable has no effect", attrs...)
		env.Summarize(fmt.Sprint("the unknown variable ", name, " has no effect", hint))
	}
}

func (a *App) grace() time.Duration { return cmp.Or(a.Grace, 5*time.Second) }

// AllSpecs returns the tasks and run, which reads its plan from p.
func (a *App) AllSpecs(p *Process) []tasks.Spec {
	return append(slices.Clone(a.Specs), runSpec(a, p))
}
