package cli

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/internal/text/redact"
	"github.com/initbox/initbox/tasks"
)

// newLogger returns the logger of the process. Every text in it passes through secrets.
func newLogger(w io.Writer, opts options, secrets *redact.Set) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(opts.logLevel)) // the flag takes only names that it knows
	o := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch v := a.Value.Any().(type) {
		case time.Time:
			a.Value = slog.TimeValue(v.UTC()) // one zone for all pods, and none to load
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

// A verdict is what became of a task.
type verdict struct {
	task    string
	err     error
	took    time.Duration
	changes int64
	dryRun  bool
	summary []string
	secrets *redact.Set
}

// headline says in one line what happened, without the cause.
func (v *verdict) headline() string {
	var stopped *stoppedError
	errors.As(v.err, &stopped)
	switch code := exitCode(v.err); {
	case v.task == "":
		return fmt.Sprintf("wrong command line, nothing was touched (exit code %d)", code)
	case code == exitDone && v.dryRun:
		return fmt.Sprintf("%s: dry run, would make %s", v.task, text.Count(v.changes, "change", "changes"))
	case code == exitDone:
		return fmt.Sprintf("%s: done in %s, %s", v.task, v.took, text.Count(v.changes, "change", "changes"))
	case code == exitUsage && v.changes == 0:
		return fmt.Sprintf("%s: wrong configuration, nothing was touched (exit code %d)", v.task, code)
	case code == exitUsage:
		return fmt.Sprintf("%s: wrong configuration, after %s (exit code %d)", v.task, text.Count(v.changes, "change", "changes"), code)
	case code == exitFinal:
		return fmt.Sprintf("%s: failed for good (exit code %d)", v.task, code)
	case stopped != nil:
		return fmt.Sprintf("%s: %s (exit code %d)", v.task, stopped.what(v.task), code)
	default:
		return fmt.Sprintf("%s: failed after %s (exit code %d)", v.task, v.took, code)
	}
}

// report logs the verdict and writes the termination message. A reader of the log
// that hangs must not keep the process, so it is left behind after patience.
func (v *verdict) report(p *Process, log *slog.Logger, opts options, patience time.Duration) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := writeTermination(opts.terminationLog, v.message()); err != nil {
			log.Warn("cannot write the termination message", "cause", err)
		}
		if exitCode(v.err) == exitUsage && opts.logFormat == "text" {
			fmt.Fprintf(p.Stderr, "initbox %s", v.text(math.MaxInt, math.MaxInt)) // for whoever typed it
			return
		}
		v.log(log)
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
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

// maxTermination is the bound of a termination message, in bytes. Kubernetes
// keeps 4096 for a container, but 12 KiB for a whole pod.
const maxTermination = 1024

// message is the verdict as the termination message, within its bound.
func (v *verdict) message() string {
	head := cut(v.text(560, 280), maxTermination)
	var lines []string
	for _, line := range v.summary {
		lines = append(lines, v.secrets.Text(line))
	}
	room := maxTermination - len(head)
	for len(strings.Join(lines, "\n")) >= room && len(lines) > 0 {
		lines = lines[1:]
	}
	return head + strings.Join(lines, "\n")
}

// text is what happened, why and what to try next, the latter two cut to a
// number of bytes. Secrets go before the cut, which could leave half of one.
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

// writeTermination puts message into the file that kubelet reads. The file is
// never made: outside Kubernetes there is none, and that is fine.
func writeTermination(path, message string) error {
	// A FIFO without a reader would block, and is no termination log anyway.
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC|syscall.O_NONBLOCK, 0)
	if errors.Is(err, os.ErrNotExist) || path == "" {
		return nil
	}
	if err != nil {
		return err
	}
	if _, err := f.WriteString(message); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// cut shortens s to at most n bytes at the end of a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	const dots = "..."
	n -= len(dots)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + dots
}

func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
