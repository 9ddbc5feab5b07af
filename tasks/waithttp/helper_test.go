package waithttp

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

const patience = testtime.Patience

func newLog(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// configured returns a checked Task for url.
func configured(t *testing.T, configure func(*Task), urls ...string) *Task {
	t.Helper()
	task := New()
	task.URLs = urls
	if configure != nil {
		configure(task)
	}
	if err := task.Check(); err != nil {
		t.Fatalf("Check: %v", err)
	}
	return task
}

// run waits for urls and returns the log and the error.
func run(t *testing.T, timeout time.Duration, configure func(*Task), urls ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	var log testlog.Buffer
	err := runWith(ctx, t, &log, configure, urls...)
	return log.String(), err
}

func runWith(ctx context.Context, t *testing.T, log *testlog.Buffer, configure func(*Task), urls ...string) error {
	t.Helper()
	return configured(t, configure, urls...).Run(ctx, tasks.NewEnv(newLog(log), io.Discard, false))
}

// runUntil waits for urls, which never get ready, until the log contains words.
func runUntil(t *testing.T, words string, configure func(*Task), urls ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var log testlog.Buffer
	log.When(words, cancel)
	err := runWith(ctx, t, &log, configure, urls...)
	return log.String(), err
}

// explained waits for urls until a deadline that is late enough for the error to
// contain words.
func explained(t *testing.T, words string, configure func(*Task), urls ...string) (log string, err error) {
	t.Helper()
	err = testtime.Explained(func(timeout time.Duration) (err error) {
		log, err = run(t, timeout, configure, urls...)
		return err
	}, words)
	return log, err
}

// attempt asks url twice and returns the first error. The second one must be the
// same, because the log shows each new text.
func attempt(t *testing.T, configure func(*Task), url string) error {
	t.Helper()
	errs := attempts(t, configure, url)
	if textOf(errs[0]) != textOf(errs[1]) {
		t.Errorf("the same cause has two texts:\n%v\n%v", errs[0], errs[1])
	}
	return errs[0]
}

// attemptBounded is attempt for failures at the timeout of an attempt. It takes a
// timeout that leaves enough time to reach words, in which %s is that timeout.
func attemptBounded(t *testing.T, url, words string) (want string, err error) {
	t.Helper()
	var errs [2]error
	for timeout := range testtime.Deadlines {
		want = strings.Replace(words, "%s", timeout.String(), 1)
		errs = attempts(t, func(t *Task) { t.AttemptTimeout = timeout }, url)
		if textOf(errs[0]) == textOf(errs[1]) && strings.Contains(textOf(errs[0]), want) {
			break
		}
	}
	if textOf(errs[0]) != textOf(errs[1]) {
		t.Errorf("the same cause has two texts:\n%v\n%v", errs[0], errs[1])
	}
	return want, errs[0]
}

func attempts(t *testing.T, configure func(*Task), url string) (errs [2]error) {
	t.Helper()
	task := configured(t, configure, url)
	env := tasks.NewEnv(newLog(io.Discard), io.Discard, false)
	probers, err := task.probers(t.Context(), env, task.AttemptTimeout)
	if err != nil {
		t.Fatalf("before the first attempt: %v", err)
	}
	for i := range errs {
		ctx, cancel := context.WithTimeout(t.Context(), task.AttemptTimeout)
		errs[i] = probers[0].probe(ctx)
		cancel()
	}
	return errs
}

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// wantNotReady fails unless err contains words, and its next step contains next.
func wantNotReady(t *testing.T, err error, words, next string) {
	t.Helper()
	switch {
	case !strings.Contains(textOf(err), words) || err == nil:
		t.Errorf("got error %v\nwant %s", err, words)
	case !strings.Contains(tasks.NextOf(err), next):
		t.Errorf("%v: got next step %q\nwant %s", err, tasks.NextOf(err), next)
	case strings.Contains(textOf(err), "\n"):
		t.Errorf("the error has more than one line: %q", err)
	}
}

func wantReady(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("not ready: %v", err)
	}
}

// serve returns the URL of a server that answers with handler.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

// answering returns the URL of a server that answers with status and body.
func answering(t *testing.T, status int, body string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

// raw returns the address of a server that reads a request, writes answer as it
// is, and closes the connection.
func raw(t *testing.T, answer string) string {
	t.Helper()
	l := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, l, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, answer)
		c.Close()
	})
	return l.Addr().String()
}

// file writes content to a new file and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
