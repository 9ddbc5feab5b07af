package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/cli/plan"
	"github.com/initbox/initbox/tasks"
)

const runName = "run"

const runDoc = `carry out a plan: several tasks, one after the other, in one container

The plan is a YAML or JSON file (--file, "-" for stdin), or the command line
itself, each step after a "--". A file has a list of steps; a step is a task
with its flags, under the names that the command line has:

    timeout: 10m              # bound of the whole plan, optional
    steps:
      - name: database        # optional
        wait-tcp:
          target: [postgres:5432, redis:6379]
          timeout: 2m         # bound of this step
      - wait-http: http://auth/healthz    # short for the positional arguments

${NAME} stands for a variable of the environment, which must be set, and $$ for
a dollar sign. Every step is checked before the first one starts. The first
step that fails ends the run with its exit code. Run it again as often as you
like: steps that are done find nothing to do. The timeout of a file stands in for
the default of --timeout; given as well, --timeout wins.`

// runTask is the task that runs other tasks. Being a task itself, it gets its
// deadline, signals, dry-run, help and reference where they get theirs.
type runTask struct {
	app     *App
	process *Process
	file    string
	words   [][]string // the steps of the command line

	steps  []step        // what load found
	bound  time.Duration // timeout of the run-file, 0 for none
	loaded bool
}

func runSpec(a *App, p *Process) tasks.Spec {
	return tasks.Spec{
		Name:    runName,
		Group:   "application",
		Doc:     runDoc,
		Timeout: 10 * time.Minute,
		Examples: []tasks.Example{
			{Doc: "a plan from a ConfigMap", Command: "initbox run -f /plan/plan.yaml"},
			{Doc: "the same without a file", Command: "initbox run -- wait-tcp postgres:5432 -- wait-http http://auth/healthz"},
			{Doc: "what a plan would do", Command: "initbox run --dry-run -f plan.yaml"},
		},
		New: func() tasks.Task { return &runTask{app: a, process: p} },
	}
}

func (r *runTask) Flags(fs *pflag.FlagSet) {
	fs.StringVarP(&r.file, "file", "f", "", "run-`file` with the steps, - for stdin")
}

func (r *runTask) takeSteps(words []string, dash int) error {
	if len(words) == 0 {
		return nil
	}
	if dash != 0 {
		return tasks.Usagef(`unexpected argument %q: put "--" before each step (initbox run -- %s), or name a run-file with -f`,
			words[0], strings.Join(words, " "))
	}
	step := []string(nil)
	for _, w := range words {
		if w == "--" {
			r.words, step = append(r.words, step), nil
			continue
		}
		step = append(step, w)
	}
	r.words = append(r.words, step)
	return nil
}

func (r *runTask) Check() error {
	switch {
	case r.file == "" && len(r.words) == 0:
		return errors.New("no plan: name a run-file with --file, or write the steps after --")
	case r.file != "" && len(r.words) > 0:
		return errors.New("--file and steps on the command line exclude each other: put all steps into the file")
	}
	return nil
}

// A step is one task of a plan, ready to run.
type step struct {
	*command
	label string // "step 2 (migrate)"
}

func (r *runTask) Run(ctx context.Context, env *tasks.Env) error {
	if err := r.load(ctx, env); err != nil {
		return err
	}
	for i, s := range r.steps {
		if err := r.step(ctx, env, s, fmt.Sprintf("%d/%d", i+1, len(r.steps))); err != nil {
			for _, rest := range r.steps[i+1:] {
				env.Summarize(rest.label + ": not started")
			}
			return err
		}
	}
	return nil
}

// step runs one step and reports how it went.
func (r *runTask) step(ctx context.Context, env *tasks.Env, s step, place string) error {
	sub := env.Sub(env.Log.With("step", s.label))
	sub.Log.Info("step starts", "place", place, "timeout", s.opts.timeout)
	start := time.Now()
	err := execute(ctx, s.task.Run, sub, s.label, s.opts.timeout, r.app.grace())
	for _, line := range sub.Summary() {
		env.Summarize(s.label + ": " + line)
	}
	v := &verdict{
		task: s.label, err: err, took: time.Since(start).Round(time.Millisecond),
		changes: sub.Changes(), dryRun: env.DryRun, secrets: env.Secrets,
	}
	env.Summarize(v.headline())
	if err != nil {
		return fmt.Errorf("%s: %w", s.label, err)
	}
	sub.Log.Info("step done", "took", v.took, "changes", v.changes)
	return nil
}

// load reads the plan, from the run-file or the command line, and checks all of it.
func (r *runTask) load(ctx context.Context, env *tasks.Env) error {
	if r.loaded {
		return ctx.Err()
	}
	err := r.loadSteps(ctx, env)
	if err != nil && ctx.Err() == nil {
		return &tasks.Error{Kind: tasks.Usage, Err: err, Next: cmp.Or(tasks.NextOf(err), "correct the plan and start the pod again; how a plan is written: initbox help run")}
	}
	r.loaded = err == nil
	return err
}

func (r *runTask) timeout() time.Duration { return r.bound }

func (r *runTask) loadSteps(ctx context.Context, env *tasks.Env) (err error) {
	if r.file == "" {
		r.steps, err = r.fromWords()
		return err
	}
	name := r.file
	if name == "-" {
		name = "stdin"
	}
	env.Doing("reading the plan from " + name)
	data, err := r.read(ctx)
	if err != nil {
		return err
	}
	r.steps, r.bound, err = r.fromFile(name, data)
	return err
}

func (r *runTask) fromFile(name string, data []byte) (steps []step, timeout time.Duration, err error) {
	e := newEnviron(r.process.Env)
	p, err := plan.Parse(name, data, e.lookup)
	if err != nil {
		return nil, 0, err
	}
	var errs []error
	if p.Timeout != nil {
		c := newStep(runSpec(r.app, r.process))
		if err := c.flags.Set("timeout", p.Timeout.Text); err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: timeout: %q: %w", name, p.Timeout.Line, p.Timeout.Written, unwrapFlagError(err)))
		}
		timeout = c.opts.timeout
	}
	for i, ps := range p.Steps {
		spec, err := findTask(r.app.Specs, ps.Task)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", name, ps.Line, err))
			continue
		}
		c := newStep(spec)
		if err := fill(c, name, ps, e); err != nil {
			errs = append(errs, err)
		}
		steps = append(steps, step{c, label(i, ps.Task, ps.Name)})
	}
	return steps, timeout, errors.Join(errs...)
}

// fill configures c from a step of the file.
func fill(c *command, file string, ps plan.Step, e environ) error {
	var errs []error
	at := func(line int, err error) {
		errs = append(errs, fmt.Errorf("%s:%d: %s: %w", file, line, ps.Task, err))
	}
	words, written := make([]string, len(ps.Words)), make([]string, len(ps.Words))
	for i, w := range ps.Words {
		words[i], written[i] = w.Text, w.Written
	}
	if err := c.bind(words, written); err != nil {
		at(ps.Line, err)
	}
	for _, field := range ps.Fields {
		f := c.flags.Lookup(field.Key)
		switch {
		case f == nil:
			at(field.Line, fmt.Errorf("unknown key %q%s", field.Key, c.hint(field.Key, "")))
			continue
		case field.List && !isList(f):
			at(field.Line, fmt.Errorf("%q takes one value, not a list", field.Key))
			continue
		}
		for _, v := range field.Values {
			if err := c.flags.Set(f.Name, v.Text); err != nil {
				at(v.Line, badValue(field.Key, f, v.Written, unwrapFlagError(err)))
			}
		}
	}
	if err := complete(c, e); err != nil && len(errs) == 0 {
		at(ps.Line, err)
	}
	return errors.Join(errs...)
}

func (r *runTask) fromWords() ([]step, error) {
	e := newEnviron(r.process.Env)
	var (
		steps []step
		errs  []error
	)
	for i, words := range r.words {
		if len(words) == 0 {
			errs = append(errs, fmt.Errorf(`step %d is empty: write a task after each "--"`, i+1))
			continue
		}
		c, err := r.stepFromWords(words, e)
		if err != nil {
			errs = append(errs, fmt.Errorf("step %d: %w", i+1, err))
			continue
		}
		steps = append(steps, step{c, label(i, words[0], "")})
	}
	return steps, errors.Join(errs...)
}

func (r *runTask) stepFromWords(words []string, e environ) (*command, error) {
	spec, err := findTask(r.app.Specs, words[0])
	if err != nil {
		return nil, err
	}
	c := newStep(spec)
	err = c.parse(words[1:])
	if errors.Is(err, pflag.ErrHelp) {
		return nil, fmt.Errorf("--help is not for a step: initbox help %s", words[0])
	}
	if err != nil {
		return nil, err
	}
	return c, complete(c, e)
}

// complete adds the environment to what a step says itself, and checks it. The
// variables of every task speak of the run, so a step does not read them.
func complete(c *command, e environ) error {
	if err := e.apply(c.flags, c.spec.Name, nil); err != nil {
		return err
	}
	return c.check()
}

// read returns the run-file. Reading may block, on a FIFO or a terminal, so it
// is left behind when ctx ends.
func (r *runTask) read(ctx context.Context) ([]byte, error) {
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := r.readAll()
		done <- result{data, err}
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case got := <-done:
		if got.err != nil {
			return nil, tasks.WithNext(fmt.Errorf("--file: %w", got.err),
				"check the path, the container's volumeMounts, and the keys of the ConfigMap: kubectl describe configmap")
		}
		return got.data, nil
	}
}

func (r *runTask) readAll() ([]byte, error) {
	from := r.process.Stdin
	if r.file != "-" {
		f, err := os.Open(r.file)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		from = f
	}
	return io.ReadAll(io.LimitReader(from, plan.MaxSize+1))
}

func label(i int, task, name string) string {
	if name == "" {
		return fmt.Sprintf("step %d (%s)", i+1, task)
	}
	return fmt.Sprintf("step %d (%s, %s)", i+1, task, name)
}
