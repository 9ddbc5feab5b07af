package verifycert

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/tasks"
)

// Run implements [tasks.Task].
func (t *Task) Run(ctx context.Context, env *tasks.Env) error {
	w, err := t.parse()
	if err != nil {
		return &tasks.Error{Kind: tasks.Usage, Err: err}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	v := &verifier{task: t, wanted: w, env: env, dialer: new(dial.Dialer)}
	env.Doing("verifying " + t.target())
	var last *report
	if t.Wait {
		env.Doing("waiting for " + t.target() + " to be there and good")
		err = env.Poll(ctx, tasks.Poll{Target: t.target(), MaxInterval: waitInterval}, func(ctx context.Context) error {
			r := v.inspect(ctx)
			if r.interrupted == nil || last == nil {
				last = r // an unfinished inspection says less than the finished one before it
			}
			return r.failure()
		})
	} else {
		last = v.inspect(ctx)
		err = last.outcome()
	}
	if last == nil {
		return err
	}
	if publishErr := last.publish(env, t.Output); publishErr != nil {
		return errors.Join(err, publishErr)
	}
	if env.DryRun && !tasks.Permanent(err) || env.DryRun && tasks.KindOf(err) == tasks.Final {
		return ctx.Err()
	}
	return err
}

// waitInterval is the longest time between two inspections. It is short because
// files are cheap to read.
const waitInterval = 2 * time.Second

// target names everything that is verified, for log and errors.
func (t *Task) target() string {
	all := slices.Clone(t.Dirs)
	if t.Cert != "" {
		all = append(all, t.Cert)
	}
	all = slices.Concat(all, t.Keystores, t.Truststores, t.Bundles, t.Remotes)
	const shown = 3
	if len(all) > shown {
		return strings.Join(all[:shown], ", ") + fmt.Sprintf(" and %d more", len(all)-shown)
	}
	return strings.Join(all, ", ")
}

// A verifier inspects everything, once or repeatedly.
type verifier struct {
	task   *Task
	wanted *wanted
	env    *tasks.Env
	dialer *dial.Dialer

	// State of the current inspection.
	files    *mount.Reader
	report   *report
	password []byte
	shared   shared
	at       time.Time
}

// inspect reads and checks everything. It reads each volume in one version.
func (v *verifier) inspect(ctx context.Context) *report {
	err := mount.OneVersion(ctx, func(files *mount.Reader) error {
		v.files = files
		return v.inspectOnce(ctx)
	})
	v.report.interrupted = err
	if err != nil && len(v.report.sets) == 0 { // all the time went to files that all sets share
		v.unchecked(ctx, &set{name: v.task.target(), kind: "files", findings: v.shared.findings})
	}
	return v.report
}

func (v *verifier) inspectOnce(ctx context.Context) error {
	v.at = v.wanted.at
	if v.at.IsZero() {
		v.at = time.Now()
	}
	v.report = &report{at: v.at}
	v.readPassword()
	v.readShared(ctx)
	for _, step := range []func(context.Context){v.dirs, v.certFile, v.keystores, v.bundles, v.truststores, v.remotes} {
		if ctx.Err() != nil {
			break
		}
		step(ctx)
	}
	return ctx.Err()
}

// add checks s and adds it to the report.
func (v *verifier) add(ctx context.Context, s *set) {
	v.check(ctx, s)
	v.unchecked(ctx, s)
}

// unchecked adds s to the report without checking it.
func (v *verifier) unchecked(ctx context.Context, s *set) {
	s.unfinished = ctx.Err() != nil
	s.findings = s.findings.Unique()
	if v.task.Wait { // no need to advise it
		for i, f := range s.findings {
			s.findings[i].Next = strings.TrimSuffix(f.Next, finding.OrWait)
		}
	}
	if !v.report.covers(s) {
		v.report.sets = append(v.report.sets, s)
	}
}

// missing reports a file that a flag names and that cannot be read.
func (v *verifier) missing(flag, path string, err error) {
	next := cmp.Or(tasks.NextOf(err), "check the path and that the volume is mounted")
	v.report.missing = append(v.report.missing, tasks.WithNext(fmt.Errorf("%s %s: %w", flag, path, err), next))
}

// failure returns why the report is not good, as an error that a later inspection
// may clear, or nil.
func (r *report) failure() error {
	if r.interrupted != nil {
		return r.unfinished()
	}
	errs := slices.Concat(r.missing, r.connections)
	if bad := r.bad(); len(bad) > 0 {
		errs = append(errs, tasks.WithNext(errors.New(describe(bad)), nextStep(bad)))
	}
	return errors.Join(errs...)
}

// outcome returns the verdict of a single inspection.
func (r *report) outcome() error {
	bad := r.bad()
	switch {
	case r.interrupted != nil:
		return r.unfinished()
	case len(r.missing) > 0:
		return tasks.Usagef("%w", errors.Join(r.missing...))
	case len(bad) > 0:
		return tasks.WithNext(tasks.Finalf("%s", describe(bad)), nextStep(bad))
	}
	return errors.Join(r.connections...)
}

// unfinished returns the error of an inspection that was cut short, with the
// faults found so far. Finding no more of them does not make anything good.
func (r *report) unfinished() error {
	if bad := r.bad(); len(bad) > 0 {
		return tasks.WithNext(fmt.Errorf("not all was verified (%w); found so far: %s", r.interrupted, describe(bad)), nextStep(bad))
	}
	return tasks.WithNext(fmt.Errorf("not all was verified: %w", r.interrupted),
		cmp.Or(tasks.NextOf(r.interrupted), "allow more time with --timeout, or verify less at once"))
}

// describe returns which sets are bad and why, by their codes. The lines of the
// termination message have the details.
func describe(bad []*set) string {
	const shown = 3
	var parts []string
	for i, s := range bad {
		if i == shown {
			parts = append(parts, fmt.Sprintf("%d more sets", len(bad)-shown))
			break
		}
		parts = append(parts, s.name+": "+codeList(s.findings))
	}
	return strings.Join(parts, "; ")
}

func codeList(l finding.List) string {
	const shown = 6
	var codes []string
	for _, c := range l.Codes() {
		codes = append(codes, string(c))
	}
	if len(codes) > shown {
		codes = append(codes[:shown], fmt.Sprintf("%d more", len(codes)-shown))
	}
	return strings.Join(codes, ", ")
}

// nextStep returns that of the first fault.
func nextStep(bad []*set) string {
	l := bad[0].findings
	return l[slices.IndexFunc(l, func(f finding.Finding) bool { return !f.Warning })].Next
}
