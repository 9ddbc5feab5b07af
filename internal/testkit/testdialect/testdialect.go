// Package testdialect helps to test the dialects of package database: it makes
// targets, queries them, and checks their logs and errors. A test package lists
// the dialects that it tests:
//
//	var kit = testdialect.Kit{postgres.Dialect}
package testdialect

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// Pod is the name of the pod that the targets are used from.
const Pod = "web-3"

// A Kit is the dialects under test.
type Kit []*database.Dialect

// Options returns o for the dialects of k.
func (k Kit) Options(o database.Options) *database.Options {
	o.Dialects = k
	return &o
}

// Target returns the target of o. At the end of the test, it checks that the log
// contains no secret. The log is not redacted, so that nothing relies on
// redaction.
func (k Kit) Target(t *testing.T, o database.Options, secrets ...string) (*database.Target, *tasks.Env) {
	t.Helper()
	log := new(testlog.Buffer)
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), io.Discard, false)
	env.Pod = Pod
	with := k.Options(o)
	if err := with.Check(); err != nil {
		t.Fatal(err)
	}
	target, err := with.Target(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { NoSecrets(t, log.String()+target.Name, append(secrets, testdb.AdminPassword, o.Password)) })
	return target, env
}

// Env returns an Env that logs nothing.
func Env() *tasks.Env { return tasks.NewEnv(slog.New(slog.DiscardHandler), io.Discard, false) }

// Ask logs in with o once.
func (k Kit) Ask(t *testing.T, o database.Options, secrets ...string) error {
	t.Helper()
	target, _ := k.Target(t, o, secrets...)
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	_, err := target.First(ctx, "")
	if err != nil {
		NoSecrets(t, err.Error()+fault.NextOf(err), append(secrets, testdb.AdminPassword, o.Password))
	}
	return err
}

// NoSecrets checks that text contains none of secrets.
func NoSecrets(t *testing.T, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("a secret is in: %s", text)
		}
	}
}

// WantInTime calls probe with deadlines that grow until its error contains words,
// and checks that error.
func WantInTime(t *testing.T, probe func(context.Context) error, words string) {
	t.Helper()
	Want(t, testtime.Explained(func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return probe(ctx)
	}, words), fault.Failed, words)
}

// Want checks the kind and words of an error, and that an error of a run has a
// next step.
func Want(t *testing.T, err error, kind fault.Kind, words string) {
	t.Helper()
	switch {
	case err == nil || !strings.Contains(err.Error(), words) || fault.KindOf(err) != kind:
		t.Errorf("got %v (kind %d), want kind %d and %q", err, fault.KindOf(err), kind, words)
	case fault.NextOf(err) == "" && kind != fault.Usage:
		t.Errorf("%v: no next step", err)
	}
}

// Eventually repeats check until it returns true. It fails the test after
// [testtime.Patience].
func Eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(testtime.Patience); !check(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never happens: " + what)
		}
	}
}

// SecretFile writes content to a file, as a mounted Secret has it, and returns its
// path.
func SecretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Port returns s as a number.
func Port(t *testing.T, s string) (n int) {
	t.Helper()
	if _, err := fmt.Sscan(s, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// AllCharacters returns all printable ASCII characters and some that are not
// ASCII.
func AllCharacters() string {
	var b strings.Builder
	for c := byte(' '); c <= '~'; c++ {
		b.WriteByte(c)
	}
	return b.String() + "äß€漢字🔑"
}
