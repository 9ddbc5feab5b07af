package chown

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/fileperm"
	"github.com/initbox/initbox/tasks"
)

// Run implements [tasks.Task].
func (t *Task) Run(ctx context.Context, env *tasks.Env) error {
	name, s, err := t.parse()
	if err != nil {
		return tasks.Usagef("%w", err)
	}
	if s.owner, err = fileperm.System.Resolve(name); err != nil {
		return tasks.WithNext(tasks.Usagef("owner %q: %w", t.Owner, err), "write numbers, as in 1000:1000: those that runAsUser and fsGroup of your application say")
	}
	r := &report{log: env.Log, start: time.Now()}
	job := &job{
		task: t, creds: ownCredentials(), budget: newBudget(t.Jobs),
		changer: changer{settings: s, env: env, report: r, announced: new(announced)},
	}
	err = job.eachPath(ctx)
	r.warn(env.DryRun)
	env.Summarize(r.sums(env.DryRun))
	return err
}

// A job is one run.
type job struct {
	changer
	task   *Task
	creds  *credentials
	budget budget
}

// admit refuses a path that nobody should give away, or that is missing, before
// anything was changed. Each is resolved again when its turn comes, which costs
// little and needs no descriptor for each.
func (j *job) admit(ctx context.Context) error {
	for _, p := range j.task.Paths {
		if err := ctx.Err(); err != nil {
			return err
		}
		r, _, err := j.find(p)
		switch {
		case errors.Is(err, unix.EACCES): // a path before it may open the way
		case err != nil:
			return err
		default:
			unix.Close(r.pin)
		}
	}
	return nil
}

// eachPath does one path after the other, for they may be the same tree.
func (j *job) eachPath(ctx context.Context) error {
	watched, stop := context.WithCancel(ctx)
	var progress sync.WaitGroup
	progress.Go(func() { j.report.progress(watched) })
	defer progress.Wait()
	defer stop()
	if err := j.admit(ctx); err != nil {
		return err
	}
	for _, p := range j.task.Paths {
		if err := j.onePath(ctx, p); err != nil {
			return j.notUntouched(err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	err := j.report.err()
	if err != nil && j.task.IgnoreErrors {
		j.env.Log.Warn("ignored, as --ignore-errors says", "error", err)
		return nil
	}
	return err
}

// notUntouched takes back what a fault of the configuration says, that nothing was
// touched, if a path before has been changed.
func (j *job) notUntouched(err error) error {
	if tasks.KindOf(err) != tasks.Usage || j.env.DryRun || j.env.Changes() == 0 {
		return err
	}
	return &tasks.Error{Kind: tasks.Failed, Err: err, Next: tasks.NextOf(err)}
}

// onePath does all of one path. The failures of single entries are in the report;
// an error says that nothing can be done here.
func (j *job) onePath(ctx context.Context, path string) error {
	root, err := j.openRoot(ctx, path)
	if err != nil {
		return err
	}
	defer unix.Close(root.pin)
	j.report.seen.Add(1)
	deep := j.task.Recursive && isDir(&root.st)
	wanted := j.settings.wants(&root.st)
	if root.missing {
		if wanted && j.announced.first("change "+filepath.Clean(path)) {
			return j.change(ctx, root.pin, &root.st, path)
		}
		return nil
	}
	if deep && j.task.IfRootMismatch && !wanted {
		j.env.Log.Info("left alone, for the root is right already", "path", path)
		return nil
	}
	if wanted && !j.env.DryRun {
		if err := j.refused(root); err != nil {
			return tasks.WithNext(fmt.Errorf("%s itself is refused, so nothing was changed: %w", path, err),
				j.creds.advise(j.settings, err, root.pin, &root.st))
		}
	}
	if deep {
		before := j.report.failed.Load()
		if err := j.walk(ctx, root); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		// A root that is right is a stamp where --if-root-mismatch trusts it, whatever is ignored.
		if j.report.failed.Load() != before && (!j.task.IgnoreErrors || j.task.IfRootMismatch) {
			if wanted {
				j.env.Log.Warn("the root keeps its owner and mode, for not all below it is done", "path", path)
			}
			return nil
		}
	}
	return j.changeRoot(ctx, root)
}

// changeRoot changes the root, whose state says that all below it is done.
func (j *job) changeRoot(ctx context.Context, root *root) error {
	err := dirfd.Statx(root.pin, "", statMask, &root.st)
	if err == nil && j.settings.wants(&root.st) {
		err = j.change(ctx, root.pin, &root.st, root.path)
	}
	if err != nil && ctx.Err() == nil {
		j.report.fail(err, func() string { return j.creds.advise(j.settings, err, root.pin, &root.st) })
	}
	return ctx.Err()
}

// walk does all below the root.
func (j *job) walk(ctx context.Context, root *root) error {
	fd, err := dirfd.OpenDir(root.pin, "")
	if err == unix.EACCES && j.canUnlock(&root.st) {
		var lock func()
		if fd, lock, err = j.unlock(root); err == nil {
			defer lock()
		}
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", root.path, &opError{opRead, err})
		return tasks.WithNext(err, j.creds.advise(j.settings, err, root.pin, &root.st))
	}
	defer unix.Close(fd)
	w := &walk{
		changer: j.changer, creds: j.creds, budget: j.budget,
		root: &dir{name: root.path, size: len(root.path), fd: fd, ino: root.st.Ino, mount: dirfd.MountOf(&root.st)},
	}
	w.tree(ctx)
	return nil
}
