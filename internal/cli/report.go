package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/internal/text/redact"
	"github.com/initbox/initbox/tasks"
)

// newLogger returns the logger of the process. It removes secrets from all that it logs.
func newLogger(w io.Writer, opts options, secrets *redact.Set) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(opts.logLevel)) // cannot fail: the flag accepts only levels
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Any().(type) {
		case time.Time:
			a.Value = slog.TimeValue(v.UTC()) // the same zone in all pods, and no zone file to load
		case string:
			a.Value = slog.StringValue(secrets.Text(v))
		case error:
			a.Value = slog.StringValue(secrets.Text(oneLine(v)))
		case time.Duration:
			a.Value = slog.StringValue(v.String()) // JSON would give nanoseconds
		}
		return a
	}}
	if opts.logFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// A verdict is the outcome of a task.
type verdict struct {
	task    string
	err     error
	took    time.Duration
	changes int64
	dryRun  bool
	summary []string
	secrets *redact.Set
}

func newVerdict(task string, err error, start time.Time, env *tasks.Env) *verdict {
	return &verdict{
		task: task, err: err, took: time.Since(start).Round(time.Millisecond),
		changes: env.Changes(), dryRun: env.DryRun, summary: env.Summary(), secrets: env.Secrets,
	}
}

// headline says in one line what happened, without the cause.
func (v *verdict) headline() string {
	changes := text.Count(v.changes, "change", "changes")
	stopped, _ := errors.AsType[*stoppedError](v.err)
	switch code := exitCode(v.err); {
	case v.task == "":
		return fmt.Sprintf("wrong command line, nothing was touched (exit code %d)", code)
	case code == exitDone && v.dryRun:
		return fmt.Sprintf("%s: dry run, would make %s", v.task, changes)
	case code == exitDone:
		return fmt.Sprintf("%s: done in %s, %s", v.task, v.took, changes)
	case code == exitUsage && v.changes == 0:
		return fmt.Sprintf("%s: wrong configuration, nothing was touched (exit code %d)", v.task, code)
	case code == exitUsage:
		return fmt.Sprintf("%s: wrong configuration, after %s (exit code %d)", v.task, changes, code)
	case code == exitFinal:
		return fmt.Sprintf("%s: failed for good (exit code %d)", v.task, code)
	case stopped != nil:
		return fmt.Sprintf("%s: %s (exit code %d)", v.task, stopped.what(v.task), code)
	default:
		return fmt.Sprintf("%s: failed after %s (exit code %d)", v.task, v.took, code)
	}
}

// report logs the verdict and writes the termination message. It gives up after
// patience, since a reader of the log that hangs must not keep the process alive.
func (v *verdict) report(p *Process, log *slog.Logger, opts options, patience time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := writeTermination(opts.terminationLog, v.message()); err != nil {
			log.Warn("cannot write the termination message", "cause", err)
		}
		if exitCode(v.err) == exitUsage && opts.logFormat == "text" {
			fmt.Fprintf(p.Stderr, "initbox %s", v.text(math.MaxInt, math.MaxInt)) // for the person who typed it
			return
		}
		v.log(log)
	}()
	select {
	case <-done:
	case <-time.After(patience):
	}
}

// log writes the verdict as one log line.
func (v *verdict) log(log *slog.Logger) {
	attrs := []any{"took", v.took, "changes", v.changes}
	if v.err == nil {
		log.Info(v.headline(), attrs...)
		return
	}
	attrs = append(attrs, "cause", oneLine(v.err))
	if next := tasks.NextOf(v.err); next != "" {
		attrs = append(attrs, "next", next)
	}
	log.Error(v.headline(), append(attrs, "exit_code", exitCode(v.err))...)
}

// maxTermination is the most that a termination message has, in bytes. Kubernetes
// keeps 4 KiB for each container, but no more than 12 KiB for the whole pod.
const maxTermination = 1024

// message returns the verdict as the termination message. Of the summary it has the
// last lines that fit.
func (v *verdict) message() string {
	head := cut(v.text(560, 280), maxTermination)
	lines := v.secrets.Text(strings.Join(v.summary, "\n"))
	for lines != "" && len(head)+len(lines) >= maxTermination {
		_, lines, _ = strings.Cut(lines, "\n")
	}
	return head + lines
}

// text says what happened, why, and what to try next, the latter two cut to a
// number of bytes. It removes secrets first, since a cut could leave half of one.
func (v *verdict) text(cause, next int) string {
	text := v.secrets.Text(v.headline()) + "\n"
	if v.err != nil {
		text += cut(v.secrets.Text("cause: "+strings.ReplaceAll(v.err.Error(), "\n", "\n  ")), cause) + "\n"
	}
	if step := tasks.NextOf(v.err); step != "" {
		text += cut(v.secrets.Text("next: "+step), next) + "\n"
	}
	return text
}

// writeTermination writes message to the file that kubelet reads. It never creates
// the file: outside Kubernetes there is none, and that is fine.
func writeTermination(path, message string) error {
	// O_NONBLOCK: a FIFO without a reader would block.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || path == "" {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.WriteString(message)
	return cmp.Or(err, f.Close())
}

// cut shortens s to at most n bytes, without half a character at the end.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const dots = "..."
	return strings.ToValidUTF8(s[:n-len(dots)], "") + dots
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
