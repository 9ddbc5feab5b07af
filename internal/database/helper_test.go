package database

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet/testdb"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

const patience = testtime.Patience

var servers testdb.Servers

func TestMain(m *testing.M) {
	defer servers.Stop()
	m.Run()
}

// newTarget returns the target of o. What it logs must not hold a secret, which
// is looked for at the end of the test. The log is not redacted, so that nothing
// relies on that.
func newTarget(t *testing.T, o Options, secrets ...string) (*Target, *tasks.Env) {
	t.Helper()
	log := new(testlog.Buffer)
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})), io.Discard, false)
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	target, err := o.Target(env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { noSecrets(t, log.String()+target.Name, append(secrets, testdb.AdminPassword, o.Password)) })
	return target, env
}

func noSecrets(t *testing.T, text string, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		if s != "" && strings.Contains(text, s) {
			t.Errorf("a secret is in: %s", text)
		}
	}
}

// ask logs in with o once.
func ask(t *testing.T, o Options, secrets ...string) error {
	t.Helper()
	target, _ := newTarget(t, o, secrets...)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	_, err := target.First(ctx, "")
	if err != nil {
		noSecrets(t, err.Error()+fault.NextOf(err), append(secrets, testdb.AdminPassword, o.Password))
	}
	return err
}

// wantInTime calls probe with a deadline that is late enough to see why it fails.
func wantInTime(t *testing.T, probe func(context.Context) error, words string) {
	t.Helper()
	want(t, testtime.Explained(func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		return probe(ctx)
	}, words), fault.Failed, words)
}

// want checks kind and words of an error, and that one for the run says what to
// do next.
func want(t *testing.T, err error, kind fault.Kind, words string) {
	t.Helper()
	switch {
	case err == nil || !strings.Contains(err.Error(), words) || fault.KindOf(err) != kind:
		t.Errorf("got %v (kind %d), want kind %d and %q", err, fault.KindOf(err), kind, words)
	case fault.NextOf(err) == "" && kind != fault.Usage:
		t.Errorf("%v: no next step", err)
	}
}

// eventually repeats check until it is true.
func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !check(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it never happens: " + what)
		}
	}
}

// secretFile writes content as a Secret's file.
func secretFile(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
