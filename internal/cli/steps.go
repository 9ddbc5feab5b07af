package cli

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/cli/plan"
)

// A step is one task of a plan, ready to run.
type step struct {
	*command
	label string // "step 2 (migrate)", or "step 2 (migrate, NAME)"
}

// stepsFromFile returns the steps in the run-file data and its timeout, 0 for none.
func (r *runTask) stepsFromFile(name string, data []byte) (steps []step, timeout time.Duration, err error) {
	e := newEnviron(r.process.Env)
	p, err := plan.Parse(name, data, e.lookup)
	if err != nil {
		return nil, 0, err
	}
	var errs []error
	if p.Timeout != nil {
		c := newStepCommand(runSpec(r.app, r.process))
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
		c := newStepCommand(spec)
		if err := fill(c, name, ps, e); err != nil {
			errs = append(errs, err)
		}
		label := ps.Task
		if ps.Name != "" {
			label += ", " + ps.Name
		}
		steps = append(steps, step{c, fmt.Sprintf("step %d (%s)", i+1, label)})
	}
	return steps, timeout, errors.Join(errs...)
}

// fill configures c from a step of the file. No flag is given twice: the parser
// refuses duplicate keys.
func fill(c *command, file string, ps plan.Step, e environ) error {
	var errs []error
	at := func(line int, err error) {
		errs = append(errs, fmt.Errorf("%s:%d: %s: %w", file, line, ps.Task, err))
	}
	words, written := make([]string, len(ps.Words)), make([]string, len(ps.Words))
	for i, w := range ps.Words {
		words[i], written[i] = w.Text, w.Written
	}
	if err := c.bind(c.shortForm(), words, written); err != nil {
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
				at(v.Line, badValue(field.Key, f, v.Written, err))
			}
		}
	}
	if err := complete(c, e); err != nil && len(errs) == 0 {
		at(ps.Line, err)
	}
	return errors.Join(errs...)
}

// stepsFromWords returns the steps of the command line.
func (r *runTask) stepsFromWords() ([]step, error) {
	e := newEnviron(r.process.Env)
	var (
		steps []step
		errs  []error
	)
	for i, words := range r.cut(r.words) {
		if len(words) == 0 {
			errs = append(errs, fmt.Errorf(`step %d is empty: write a task after each "--"`, i+1))
			continue
		}
		c, err := r.stepFromWords(words, e)
		if err != nil {
			errs = append(errs, fmt.Errorf("step %d: %w", i+1, err))
			continue
		}
		steps = append(steps, step{c, fmt.Sprintf("step %d (%s)", i+1, words[0])})
	}
	return steps, errors.Join(errs...)
}

func (r *runTask) stepFromWords(words []string, e environ) (*command, error) {
	spec, err := findTask(r.app.Specs, words[0])
	if err != nil {
		return nil, err
	}
	c := newStepCommand(spec)
	err = c.parse(words[1:])
	if errors.Is(err, pflag.ErrHelp) {
		return nil, fmt.Errorf("--help is not for a step: initbox help %s", words[0])
	}
	if err != nil {
		return nil, err
	}
	return c, complete(c, e)
}

// cut cuts words into steps, at each "--". A task that itself takes the words after
// "--" is the last step: all words that follow are its own, a further "--" included.
func (r *runTask) cut(words []string) [][]string {
	var steps [][]string
	for {
		end := slices.Index(words, "--")
		if end < 0 {
			return append(steps, words)
		}
		if spec, _ := findTask(r.app.Specs, words[0]); spec.Rest != "" {
			return append(steps, words)
		}
		steps, words = append(steps, words[:end]), words[end+1:]
	}
}

// complete sets the flags that the plan left open from the environment, and checks
// the step. The variables for all tasks configure the run, so steps do not read them.
func complete(c *command, e environ) error {
	if err := e.apply(c.flags, c.spec.Name, nil); err != nil {
		return err
	}
	return c.check()
}
