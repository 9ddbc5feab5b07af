package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/initbox/initbox/internal/text/redact"
	"github.com/initbox/initbox/tasks"
)

func TestMessage(t *testing.T) {
	v := &verdict{secrets: new(redact.Set), task: "migrate", err: tasks.WithNext(errors.New("db:1: refused"), "look there"), took: 2 * time.Second, summary: []string{"a", "b"}}
	want := "migrate: failed after 2s (exit code 1)\ncause: db:1: refused\nnext: look there\na\nb"
	if got := v.message(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// However long the rest is, the message keeps the verdict and the next step, and no
// cut splits a character.
func TestMessageIsBounded(t *testing.T) {
	long := strings.Repeat("ü", 5000)
	var steps []string
	for i := range 500 {
		steps = append(steps, fmt.Sprintf("step %d: done", i+1))
	}
	for _, v := range []*verdict{
		{secrets: new(redact.Set), task: "run", err: tasks.WithNext(errors.New(long), "look there"), summary: steps},
		{secrets: new(redact.Set), task: "run", err: tasks.WithNext(errors.New("x"), long), summary: steps},
		{secrets: new(redact.Set), task: "run", summary: steps},
		{secrets: new(redact.Set), task: "run", summary: []string{long}},
	} {
		got := v.message()
		if len(got) > maxTermination || !utf8.ValidString(got) {
			t.Errorf("%d bytes, valid UTF-8 %v", len(got), utf8.ValidString(got))
		}
		if !strings.HasPrefix(got, "run: ") || v.err != nil && !strings.Contains(got, "\nnext: ") {
			t.Errorf("verdict or next step is lost:\n%s", got)
		}
		if len(v.summary) > 1 && !strings.HasSuffix(got, "step 500: done") {
			t.Errorf("the newest step is lost:\n%s", got)
		}
	}
}

func TestWriteTermination(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	if err := writeTermination(missing, "x"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(missing); !errors.Is(err, os.ErrNotExist) {
		t.Error("the file was made")
	}
	file := filepath.Join(dir, "log")
	if err := os.WriteFile(file, []byte("an old and longer text"), 0o600); err != nil {
		t.Fatal(err)
	}
	before, _ := os.Stat(file)
	if err := writeTermination(file, "new"); err != nil {
		t.Fatal(err)
	}
	after, _ := os.Stat(file)
	if got, _ := os.ReadFile(file); string(got) != "new" || !os.SameFile(before, after) {
		t.Errorf("got %q, the same file %v", got, os.SameFile(before, after))
	}
	if err := writeTermination(dir, "x"); err == nil {
		t.Error("no error for a directory")
	}
}

// No log line shows a secret, whichever part of the line has it.
func TestLogRedacts(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var log bytes.Buffer
		secrets := new(redact.Set)
		secrets.Add("hunter22")
		l := newLogger(&log, options{logFormat: format, logLevel: "debug"}, secrets)
		l.With("with", "hunter22").Debug("say hunter22", "url", "http://u:p4ss@h/", "err", fmt.Errorf("a\nb hunter22 %w", errors.New("tcp://u:p4ss@h")), "took", time.Second)
		if out := log.String(); strings.Contains(out, "hunter22") || strings.Contains(out, "p4ss") || !strings.Contains(out, "***") {
			t.Errorf("%s: %s", format, out)
		}
	}
}
