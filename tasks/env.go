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

// Env is what a Task may use of the world. The zero value is not usable; see [NewEnv].
// Its methods may be called from several goroutines.
type Env struct {
	Log    *slog.Logger
	Stdout io.Writer // only for output that was asked for
	DryRun bool      // change nothing, say what would change

	// ListAll makes a dry-run log every change instead of the first ten. A Task
	// sets it whose changes are few and whose reader wants to know each.
	ListAll bool

	// Environ is the environment, NAME=VALUE each; see [Env.LookupEnv].
	Environ []string

	// Pod and Namespace say who we are in Kubernetes, "" where that is not known. The
	// command line takes them from POD_NAME and POD_NAMESPACE, the names by which the
	// downward API is commonly read; without these, the pod is the host's name, and the
	// namespace that of the service account.
	Pod, Namespace string

	// Secrets holds what must not be printed. A Task adds each secret as soon as
	// it has read it; log, errors and termination message pass through it.
	Secrets *redact.Set

	parent   *Env // counts along, nil at the top
	changes  atomic.Int64
	activity atomic.Pointer[activity]

	mu      sync.Mutex
	summary []string
}

// NewEnv returns an Env that logs to log and writes asked-for output to stdout. It
// knows no environment and no pod until its fields say so (Environ: os.Environ()).
func NewEnv(log *slog.Logger, stdout io.Writer, dryRun bool) *Env {
	return &Env{Log: log, Stdout: stdout, DryRun: dryRun, Secrets: new(redact.Set)}
}

// LookupEnv returns the variable name of the environment and whether it is set. It is
// for variables that belong to others, as SSL_CERT_FILE does: those of initbox set flags.
func (e *Env) LookupEnv(name string) (value string, found bool) {
	for _, entry := range e.Environ {
		if value, found = strings.CutPrefix(entry, name+"="); found {
			return value, true
		}
	}
	return "", false
}

// An activity is what a Task is at. It is put together only when somebody asks,
// for there may be millions of them.
type activity struct{ verb, target string }

// shownChanges is how many changes a dry-run logs before it only counts them.
const shownChanges = 10

// Do makes one change that is needed: "create", "/etc/app/a.conf". Every change
// of a Task goes through Do, and only after the Task has seen that it is needed.
// A dry-run only counts it, and logs the first ten; the others it logs at level
// debug. Do returns change's error with verb and target before it, or ctx's
// error if it is done already.
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

// Doing notes what the Task is at, for whoever must explain an interruption:
// "waiting for db:5432".
func (e *Env) Doing(what string) { e.note(&activity{verb: what}) }

func (e *Env) note(a *activity) {
	for ; e != nil; e = e.parent {
		e.activity.Store(a)
	}
}

// Activity returns what was last noted with Doing, or "".
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

// Summarize adds a line to the termination message, below the verdict: the sums
// of a long walk, the outcome of a step. Lines that do not fit are left out from
// the front, so the newest stay.
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

// Sub returns an Env for a part of e's work that counts its own changes too.
func (e *Env) Sub(log *slog.Logger) *Env {
	return &Env{
		Log: log, Stdout: e.Stdout, DryRun: e.DryRun, Secrets: e.Secrets,
		Environ: e.Environ, Pod: e.Pod, Namespace: e.Namespace, parent: e,
	}
}
