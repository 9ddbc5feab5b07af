// Package cli turns a command line, an environment and run-files into runs of
// tasks, and their outcome into log lines, an exit code and a termination
// message. What all tasks share is here, once.
package cli

import (
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
	Grace time.Duration // how long a task may overrun its deadline; 0 for 5 s
}

// A Process is what an App sees of the operating system.
type Process struct {
	Args           []string // without the program's name
	Env            []string // as os.Environ gives it
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Signals        <-chan os.Signal
}

// OS returns the Process that this process is. From then on SIGINT and SIGTERM
// arrive on Signals, also for a PID 1, for which the kernel has no default action.
func OS() *Process {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	return &Process{Args: os.Args[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Signals: signals}
}

// Main runs one command line and returns the exit code.
func (a *App) Main(p *Process) int {
	name, args := "", []string(nil)
	if len(p.Args) > 0 {
		name, args = p.Args[0], p.Args[1:]
	}
	switch name {
	case "":
		fmt.Fprint(p.Stderr, a.overview())
		return a.refuse(p, tasks.Usagef("no task was given: the container's args begin with one, as in args: [wait-tcp, \"postgres:5432\"]"))
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
	opts := options{terminationLog: defaultTerminationLog, logFormat: "text"}
	if path := newEnviron(p.Env)[envName("", "termination-log")]; path != "" {
		opts.terminationLog = path
	}
	v := &verdict{err: &tasks.Error{Kind: tasks.Usage, Err: err, Next: "initbox help"}, secrets: new(redact.Set)}
	v.report(p, newLogger(p.Stderr, opts, v.secrets), opts, a.grace())
	return exitUsage
}

// run configures c, runs it and reports.
func (a *App) run(p *Process, c *command, args []string) int {
	start := time.Now()
	secrets := new(redact.Set)
	e := newEnviron(p.Env)
	err := a.configure(c, e, args)
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
		err = a.carryOut(ctx, c, env)
		stop()
	}
	if tasks.KindOf(err) == tasks.Usage && tasks.NextOf(err) == "" {
		err = tasks.WithNext(err, helpOf(c.spec.Name))
	}
	v := &verdict{
		task: c.spec.Name, err: err, took: time.Since(start).Round(time.Millisecond),
		changes: env.Changes(), dryRun: c.opts.dryRun, summary: env.Summary(), secrets: secrets,
	}
	v.report(p, log, c.opts, a.grace())
	return exitCode(v.err)
}

// carryOut runs c within its deadline. A plan is read first: its timeout stands in
// for the default one.
func (a *App) carryOut(ctx context.Context, c *command, env *tasks.Env) error {
	if r, ok := c.task.(*runTask); ok {
		if err := execute(ctx, r.load, env, c.spec.Name, c.opts.timeout, a.grace()); err != nil {
			return err
		}
		if r.bound > 0 && !c.flags.Changed("timeout") {
			c.opts.timeout = r.bound
		}
	}
	return execute(ctx, c.task.Run, env, c.spec.Name, c.opts.timeout, a.grace())
}

// configure fills c from the command line and the environment and checks it.
func (a *App) configure(c *command, e environ, args []string) error {
	parseErr := c.parse(args)
	if errors.Is(parseErr, pflag.ErrHelp) {
		return parseErr
	}
	// Where to log and report is heeded even if the rest is wrong.
	if parseErr != nil {
		c.rescue(args)
	}
	envErr := e.apply(c.flags, c.spec.Name, c.shared())
	if err := errors.Join(parseErr, envErr); err != nil {
		return tasks.WithNext(&tasks.Error{Kind: tasks.Usage, Err: err}, helpOf(c.spec.Name))
	}
	return c.check()
}

// helpOf is the next step where nothing better is known.
func helpOf(task string) string { return "initbox help " + task }

// Configure returns a task of spec configured by a command line alone, its
// arguments without the task's name. The error is of kind Usage.
func Configure(spec tasks.Spec, args []string) (tasks.Task, error) {
	c := newCommand(spec)
	err := new(App).configure(c, nil, args)
	return c.task, err
}

// warnUnknown says which INITBOX_ variables have no effect.
func (a *App) warnUnknown(env *tasks.Env, e environ) {
	known := make(map[string]bool)
	if len(e.unknown(known)) == 0 {
		return
	}
	for _, spec := range a.AllSpecs(nil) {
		c := newCommand(spec)
		for _, name := range c.names() {
			known[envName(spec.Name, name)] = true
		}
		for _, name := range c.shared() {
			known[envName("", name)] = true
		}
	}
	names := make([]string, 0, len(known))
	for name := range known {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range e.unknown(known) {
		attrs, hint := []any{"name", name}, ""
		if near := nearest(name, names); near != "" {
			attrs = append(attrs, "did you mean", near)
			hint = ": did you mean " + near + "?"
		}
		env.Log.Warn("unknown variable has no effect", attrs...)
		env.Summarize(fmt.Sprint("the unknown variable ", name, " has no effect", hint))
	}
}

func (a *App) grace() time.Duration {
	if a.Grace > 0 {
		return a.Grace
	}
	return defaultGrace
}

// AllSpecs returns the tasks and run, which takes its plan from p.
func (a *App) AllSpecs(p *Process) []tasks.Spec {
	return append(slices.Clone(a.Specs), runSpec(a, p))
}
