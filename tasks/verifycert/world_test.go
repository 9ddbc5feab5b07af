package verifycert

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// A plan is a correct mount until a fault changes it: a root, an intermediate, and
// a leaf for app.test with its key.
type plan struct {
	root, inter, leaf []testpki.Option
	arrange           func(*made)              // puts certificates into files
	files             []func(*testing.T, made) // change the written files
	task              []func(*Task, made)
}

// made is an executed plan.
type made struct {
	dir               string
	root, inter, leaf *testpki.Cert
	chain, cas        []*testpki.Cert
	key               []byte
}

func (m made) path(name string) string { return filepath.Join(m.dir, name) }

// write writes a file into the mount.
func (m made) write(t *testing.T, name string, data []byte) string {
	t.Helper()
	if err := os.WriteFile(m.path(name), data, 0o600); err != nil {
		t.Fatal(err)
	}
	return m.path(name)
}

func (m made) read(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(m.path(name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// a fault is one change to a plan.
type fault func(*plan)

func carryOut(t *testing.T, faults ...fault) (made, *Task) {
	t.Helper()
	var p plan
	for _, f := range faults {
		f(&p)
	}
	m := made{dir: t.TempDir()}
	m.root = testpki.Root(t, "Test Root CA", p.root...)
	m.inter = testpki.New(t, "Test Intermediate CA", m.root, append([]testpki.Option{testpki.CA}, p.inter...)...)
	m.leaf = testpki.Leaf(t, m.inter, p.leaf...)
	m.chain, m.cas, m.key = []*testpki.Cert{m.leaf, m.inter}, []*testpki.Cert{m.root}, testpki.KeyPEM(t, m.leaf)
	if p.arrange != nil {
		p.arrange(&m)
	}
	m.write(t, "tls.crt", testpki.PEM(m.chain...))
	m.write(t, "tls.key", m.key)
	m.write(t, "ca.crt", testpki.PEM(m.cas...))
	for _, f := range p.files {
		f(t, m)
	}
	task := New()
	task.Dirs = []string{m.dir}
	for _, f := range p.task {
		f(task, m)
	}
	return m, task
}

// result is everything that a run returned or printed.
type result struct {
	err     error
	doc     document
	stdout  string
	log     string
	summary []string
}

// run runs task with JSON output, in the environment environ.
func run(t *testing.T, task *Task, environ ...string) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	return runCtx(ctx, t, task, environ...)
}

func runCtx(ctx context.Context, t *testing.T, task *Task, environ ...string) result {
	t.Helper()
	task.Output = "json"
	if err := task.Check(); err != nil {
		t.Fatalf("Check: %v", err)
	}
	var log, stdout bytes.Buffer
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(&log, nil)), &stdout, false)
	env.Environ = environ
	r := result{err: task.Run(ctx, env)}
	r.stdout, r.log, r.summary = stdout.String(), log.String(), env.Summary()
	if r.stdout != "" {
		if err := json.Unmarshal(stdout.Bytes(), &r.doc); err != nil {
			t.Fatalf("stdout is not JSON: %v\n%s", err, r.stdout)
		}
	}
	return r
}

// codes returns the codes of all findings, each once, sorted.
func (r result) codes() []string {
	var all []string
	for _, s := range r.doc.Sets {
		for _, f := range s.Findings {
			all = append(all, string(f.Code))
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// expect checks that a run gives the codes in want, separated by spaces, and
// everything that follows from them: the kind of the error, the verdict, the next
// step.
func expect(t *testing.T, task *Task, want string, environ ...string) result {
	t.Helper()
	r := run(t, task, environ...)
	codes := strings.Fields(want)
	slices.Sort(codes)
	if got := r.codes(); !slices.Equal(got, codes) {
		t.Errorf("found %v, want %v\n%s", got, codes, r.log)
	}
	fails := slices.ContainsFunc(codes, func(c string) bool { return !finding.Lookup(finding.Code(c)).Warning })
	switch {
	case fails && (tasks.KindOf(r.err) != tasks.Final || tasks.NextOf(r.err) == "" || r.doc.Verdict != "failed"):
		t.Errorf("got %v (kind %v, next %q, verdict %s), want a final error", r.err, tasks.KindOf(r.err), tasks.NextOf(r.err), r.doc.Verdict)
	case !fails && (r.err != nil || r.doc.Verdict != "good"):
		t.Errorf("got %v, verdict %s, want it to be good", r.err, r.doc.Verdict)
	}
	if len(r.summary) != len(r.doc.Sets) {
		t.Errorf("%d lines for %d sets: %q", len(r.summary), len(r.doc.Sets), r.summary)
	}
	for _, c := range codes {
		if fails && !strings.Contains(strings.Join(r.summary, "\n")+r.log, c) {
			t.Errorf("neither log nor summary has %s:\n%s\n%s", c, r.log, r.summary)
		}
	}
	return r
}

// runText runs task without JSON output.
func runText(t *testing.T, task *Task) result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	var log bytes.Buffer
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(&log, nil)), io.Discard, false)
	err := task.Run(ctx, env)
	return result{err: err, log: log.String(), summary: env.Summary()}
}
