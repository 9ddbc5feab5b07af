package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/cli/plan"
	"github.com/initbox/initbox/tasks"
)

const runName = "run"

const runDoc = `carry out a plan: several tasks, one after the other, in one container

The plan is a YAML or JSON file (--file, "-" for stdin), or the command line
itself, each step after a "--". A file has a list of steps. A step is a task
with its flags, named as on the command line:

    timeout: 10m              # limit for the whole plan, optional
    steps:
      - name: database        # optional
        wait-tcp:
          target: [postgres:5432, redis:6379]
          timeout: 2m         # limit for this step
      - wait-http: http://auth/healthz    # short for the positional arguments

${NAME} stands for a variable of the environment, which must be set, and $$ for
a dollar sign. Every step is checked before the first one starts. The first
step that fails ends the run with its exit code. Run a plan again as often as
you like: steps that are done change nothing. The container needs the user and
the capabilities that its steps need. The timeout of a file replaces the default
of --timeout; a --timeout that is given wins over both.`

// runTask is the task that runs other tasks. Since it is a task itself, it shares
// their deadline, signals, dry-run, help and reference.
type runTask struct {
	app     *App
	process *Process
	file    string
	words   []string // the steps of the command line, "--" between them

	steps   []step        // set by load
	timeout time.Duration // of the run-file, 0 for none; set by load
}

func runSpec(a *App, p *Process) tasks.Spec {
	return tasks.Spec{
		Name:    runName,
		Group:   "application",
		Doc:     runDoc,
		Rest:    "task",
		Timeout: 10 * time.Minute,
		Examples: []tasks.Example{
			{Doc: "a plan from a ConfigMap", Command: "initbox run -f /plan/plan.yaml"},
			{Doc: "the same without a file", Command: "initbox run -- wait-tcp postgres:5432 -- wait-http http://auth/healthz"},
			{Doc: "what a plan would do", Command: "initbox run --dry-run -f plan.yaml"},
		},
		Needs: tasks.Needs{Mounts: []string{"the run-file, read-only, and what its steps need"}},
		Container: `args: [run, -f, /plan/plan.yaml]
env:
  - {name: API_URL, value: "http://api/healthz"}   # for ${API_URL} in the plan
volumeMounts:
  - {name: plan, mountPath: /plan, readOnly: true}   # a ConfigMap with the key plan.yaml`,
		New: func() tasks.Task { return &runTask{app: a, process: p} },
	}
}

func (r *runTask) Flags(fs *pflag.FlagSet) {
	fs.StringVarP(&r.file, "file", "f", "", "run-`file` with the steps, - for stdin")
	fs.StringArrayVar(&r.words, "task", nil, "`word` of the steps, as written after --; repeatable")
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

// Run runs the steps that load has found.
func (r *runTask) Run(ctx context.Context, env *tasks.Env) error {
	for i, s := range r.steps {
		if err := r.runStep(ctx, env, s, fmt.Sprintf("%d/%d", i+1, len(r.steps))); err != nil {
			for _, rest := range r.steps[i+1:] {
				env.Summarize(rest.label + ": not started")
			}
			return err
		}
	}
	return nil
}

// runStep runs one step and reports how it went.
func (r *runTask) runStep(ctx context.Context, env *tasks.Env, s step, place string) error {
	sub := env.Sub(env.Log.With("step", s.label))
	sub.Log.Info("step starts", "place", place, "timeout", s.opts.timeout)
	start := time.Now()
	err := execute(ctx, s.task.Run, sub, s.label, s.opts.timeout, r.app.grace())
	for _, line := range sub.Summary() {
		env.Summarize(s.label + ": " + line)
	}
	v := newVerdict(s.label, err, start, sub)
	env.Summarize(v.headline())
	if err != nil {
		return fmt.Errorf("%s: %w", s.label, err)
	}
	sub.Log.Info("step done", "took", v.took, "changes", v.changes)
	return nil
}

// load reads the plan, from the run-file or the command line, and checks all of it.
func (r *runTask) load(ctx context.Context, env *tasks.Env) error {
	err := r.findSteps(ctx, env)
	if err != nil && ctx.Err() == nil {
		return &tasks.Error{Kind: tasks.Usage, Err: err, Next: cmp.Or(tasks.NextOf(err), "correct the plan and start the pod again; how a plan is written: initbox help run")}
	}
	return err
}

func (r *runTask) findSteps(ctx context.Context, env *tasks.Env) (err error) {
	if r.file == "" {
		r.steps, err = r.stepsFromWords()
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
	r.steps, r.timeout, err = r.stepsFromFile(name, data)
	return err
}

// read returns the content of the run-file. It does not wait longer than ctx, even
// though reading a FIFO or a terminal may block.
func (r *runTask) read(ctx context.Context) ([]byte, error) {
	var (
		data []byte
		err  error
		done = make(chan struct{})
	)
	go func() {
		defer close(done)
		data, err = r.readAll()
	}()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-done:
	}
	if err != nil {
		err = tasks.WithNext(fmt.Errorf("--file: %w", err),
			"check the path, the container's volumeMounts, and the keys of the ConfigMap: kubectl describe configmap")
	}
	return data, err
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
