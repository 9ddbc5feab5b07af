package tasks

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/initbox/initbox/internal/text/redact"
)

// Env is what a Task may use of the outside world. Make one with [NewEnv]; the
// zero value does not work. Its methods are safe for concurrent use.
type Env struct {
	Log    *slog.Logger
	Stdout io.Writer // only for output that was asked for
	DryRun bool      // change nothing, report what would change

	// ListAll makes a dry-run log every change instead of the first ten. A Task
	// sets it if it makes few changes and its reader wants to see each of them.
	ListAll bool

	// Environ is the environment, one NAME=VALUE per entry; see [Env.LookupEnv].
	Environ []string

	// Pod and Namespace are our own pod and its namespace in Kubernetes, "" if
	// unknown. The command line takes them from POD_NAME and POD_NAMESPACE, the
	// names that manifests commonly give to these downward API fields. Without
	// them, the pod is the host name and the namespace is that of the service
	// account.
	Pod, Namespace string

	// Secrets holds what must not be printed. A Task adds each secret as soon as
	// it has read it; the log, errors and the termination message pass through it.
	Secrets *redact.Set

	parent   *Env // counts the changes of this Env too; nil at the top
	changes  atomic.Int64
	activity atomic.Pointer[activity]

	mu      sync.Mutex
	summary []string
}

// NewEnv returns an Env that logs to log and writes requested output to stdout.
// It knows neither the environment nor the pod until the caller sets those
// fields (Environ: os.Environ()).
func NewEnv(log *slog.Logger, stdout io.Writer, dryRun bool) *Env {
	return &Env{Log: log, Stdout: stdout, DryRun: dryRun, Secrets: new(redact.Set)}
}

// LookupEnv returns the environment variable name and whether it is set. Use it
// for variables that belong to others, such as SSL_CERT_FILE; initbox's own
// variables set flags.
func (e *Env) LookupEnv(name string) (value string, found bool) {
	for _, entry := range e.Environ {
		if value, found = strings.CutPrefix(entry, name+"="); found {
			return value, true
		}
	}
	return "", false
}

// An activity is what a Task is doing. Its text is built only on request,
// because a Task may note millions of them.
type activity struct{ verb, target string }

// shownChanges is how many changes a dry-run logs at level info.
const shownChanges = 10

// Do makes one change that is needed, such as "create" of "/etc/app/a.conf".
// Every change of a Task goes through Do, and only after the Task has seen that
// the change is needed.
//
// A dry-run only counts the change. It logs the first ten at level info and the
// rest at level debug.
//
// Do returns the error of change, prefixed with verb and target. If ctx is
// already done, Do changes nothing and returns the error of ctx.
func (e *Env) Do(ctx context.Context, verb, target string, change func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if e.DryRun {
		e.would(ctx, verb, target)
		return nil
	}
	e.note(&activity{verb, target})
	if err := change(); err != nil {
		return fmt.Errorf("%s %s: %w", verb, target, err)
	}
	e.count()
	if e.Log.Enabled(ctx, slog.LevelDebug) {
		e.Log.Debug(verb, "target", target)
	}
	return nil
}

// would counts and logs a change that a dry-run does not make.
func (e *Env) would(ctx context.Context, verb, target string) {
	n, level := e.count(), slog.LevelInfo
	if n > shownChanges && !e.ListAll {
		level = slog.LevelDebug
	}
	e.Log.Log(ctx, level, "would "+verb, "target", target)
	if n == shownChanges+1 && !e.ListAll {
		e.Log.Info("further changes are only counted, --log-level=debug shows them")
	}
}

// count counts a change and returns how many e has counted.
func (e *Env) count() int64 {
	n := e.changes.Add(1)
	for e = e.parent; e != nil; e = e.parent {
		e.changes.Add(1)
	}
	return n
}

// Changes returns how many changes Do has made, or in a dry-run would have made.
func (e *Env) Changes() int64 { return e.changes.Load() }

// Doing notes what the Task is doing, to explain an interruption: "waiting for
// db:5432".
func (e *Env) Doing(what string) { e.note(&activity{verb: what}) }

func (e *Env) note(a *activity) {
	for ; e != nil; e = e.parent {
		e.activity.Store(a)
	}
}

// Activity returns the last activity that Do or Doing noted, or "".
func (e *Env) Activity() string {
	a := e.activity.Load()
	switch {
	case a == nil:
		return ""
	case a.target == "":
		return a.verb
	default:
		return a.verb + " " + a.target
	}
}

// Summarize adds a line to the termination message, below the verdict: the
// totals of a long walk, the outcome of a step. If the lines do not fit, the
// oldest are left out.
func (e *Env) Summarize(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.summary = append(e.summary, line)
}

// Summary returns the lines given to Summarize.
func (e *Env) Summary() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.summary)
}

// Sub returns an Env for one part of the work. It counts the changes of that
// part; they count for e as well.
func (e *Env) Sub(log *slog.Logger) *Env {
	return &Env{
		Log: log, Stdout: e.Stdout, DryRun: e.DryRun, Secrets: e.Secrets,
		Environ: e.Environ, Pod: e.Pod, Namespace: e.Namespace, parent: e,
	}
}
