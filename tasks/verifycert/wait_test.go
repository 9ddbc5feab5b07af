package verifycert

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// cert-manager fills the Secret late: first it does not exist, then its files are
// empty, then there is a temporary certificate, then the right one.
func TestWait(t *testing.T) {
	good, task := carryOut(t)
	dir := filepath.Join(t.TempDir(), "tls")
	task.Dirs, task.Wait = []string{dir}, true
	temporary := testpki.New(t, "temporary", nil, testpki.Names("app.test"))
	steps := []func(){
		func() { must(t, os.Mkdir(dir, 0o700)) },
		func() {
			for _, f := range []string{"tls.crt", "tls.key", "ca.crt"} {
				must(t, os.WriteFile(filepath.Join(dir, f), nil, 0o600))
			}
		},
		func() {
			must(t, os.WriteFile(filepath.Join(dir, "tls.key"), testpki.KeyPEM(t, temporary), 0o600))
			must(t, os.WriteFile(filepath.Join(dir, "tls.crt"), testpki.PEM(temporary), 0o600))
		},
		func() {
			for _, f := range []string{"ca.crt", "tls.key", "tls.crt"} {
				must(t, os.WriteFile(filepath.Join(dir, f), good.read(t, f), 0o600))
			}
		},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, step := range steps {
			time.Sleep(100 * time.Millisecond)
			step()
		}
	}()
	r := run(t, task)
	<-done
	if r.err != nil || r.doc.Verdict != "good" {
		t.Fatalf("%v\n%s", r.err, r.log)
	}
	for _, cause := range []string{"there is no such directory", "file-empty", "ready"} {
		if !strings.Contains(r.log, cause) {
			t.Errorf("the log lacks %q:\n%s", cause, r.log)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// runExplained runs a task until its deadline, which comes late enough for an
// inspection that finds the given words.
func runExplained(t *testing.T, task *Task, finding string) (r result, err error) {
	t.Helper()
	err = testtime.Explained(func(timeout time.Duration) error {
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		r = runCtx(ctx, t, task)
		return r.err
	}, finding)
	return r, err
}

// At the deadline, the last inspection is reported. Its error may be temporary, so
// the exit code is that of a deadline.
func TestWaitDeadline(t *testing.T) {
	_, task := carryOut(t, expired)
	task.Wait = true
	r, err := runExplained(t, task, "expired")
	if err == nil || tasks.Permanent(err) || !strings.Contains(err.Error(), "expired") || r.doc.Verdict != "failed" || len(r.summary) != 1 {
		t.Errorf("got %v, %q, verdict %s", err, r.summary, r.doc.Verdict)
	}
}

// Files that the command line names must exist, unless the task waits for them.
func TestMissingFiles(t *testing.T) {
	m, _ := carryOut(t)
	nowhere := filepath.Join(t.TempDir(), "x")
	for flag, set := range map[string]func(*Task){
		"DIR":             func(task *Task) { task.Dirs = []string{nowhere} },
		"DIR *":           func(task *Task) { task.Dirs = []string{nowhere + "/*"} },
		"--cert":          func(task *Task) { task.Cert = nowhere },
		"--key":           func(task *Task) { task.Cert, task.Key = m.path("tls.crt"), nowhere },
		"--ca":            func(task *Task) { task.Dirs, task.CA = []string{m.dir}, []string{nowhere} },
		"--intermediates": func(task *Task) { task.Dirs, task.Intermediates = []string{m.dir}, []string{nowhere} },
		"--crl":           func(task *Task) { task.Dirs, task.CRLs = []string{m.dir}, []string{nowhere} },
		"--bundle":        func(task *Task) { task.Bundles = []string{nowhere} },
		"--keystore":      func(task *Task) { task.Keystores = []string{nowhere} },
		"--truststore":    func(task *Task) { task.Truststores = []string{nowhere} },
		"--password-file": func(task *Task) { task.Dirs, task.PasswordFile = []string{m.dir}, nowhere },
	} {
		task := New()
		set(task)
		if task.Cert != "" || len(task.Keystores) > 0 {
			task.CA = []string{m.path("ca.crt")}
		}
		name, _, _ := strings.Cut(flag, " ")
		r := run(t, task)
		if tasks.KindOf(r.err) != tasks.Usage || !strings.Contains(r.err.Error(), name+" "+nowhere) {
			t.Errorf("%s: got %v, want a usage error that names it", flag, r.err)
		}
		if next := tasks.NextOf(r.err); !strings.HasPrefix(next, "check the pa") || strings.Contains(r.err.Error(), next) {
			t.Errorf("%s: got %v, next %q, want the one apart from the other", flag, r.err, next)
		}
		task.Wait = true
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if r := runCtx(ctx, t, task); r.err == nil || tasks.Permanent(r.err) {
			t.Errorf("%s with --wait: got %v", flag, r.err)
		}
		cancel()
	}
}

// A directory is read as one version: a key that is swapped in later does not
// count. Kubelet swaps as fast as it can here.
func TestSnapshot(t *testing.T) {
	m, task := carryOut(t, mounted)
	other, _ := carryOut(t)
	second := m.path("..second")
	must(t, os.Mkdir(second, 0o700))
	for _, f := range []string{"tls.crt", "tls.key", "ca.crt"} {
		must(t, os.WriteFile(filepath.Join(second, f), other.read(t, f), 0o600))
	}
	first, err := os.Readlink(m.path("..data"))
	must(t, err)
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			to := []string{first, "..second"}[i%2]
			must(t, os.Symlink(to, m.path("..data_tmp")))
			must(t, os.Rename(m.path("..data_tmp"), m.path("..data")))
		}
	}()
	for range 300 {
		if r := run(t, task); r.err != nil {
			t.Errorf("%v\n%s", r.err, r.log)
			break
		}
	}
	close(stop)
	<-stopped
}

func TestDryRun(t *testing.T) {
	for _, f := range []fault{func(*plan) {}, expired, removed("tls.crt")} {
		_, task := carryOut(t, f)
		for _, wait := range []bool{false, true} {
			task.Wait = wait
			env := tasks.NewEnv(slog.New(slog.NewTextHandler(io.Discard, nil)), io.Discard, true)
			if err := task.Run(t.Context(), env); err != nil || env.Changes() != 0 {
				t.Errorf("got %v, %d changes", err, env.Changes())
			}
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		task Task
		want []string
	}{
		{Task{}, []string{"nothing to verify"}},
		{Task{Cert: "a", Key: "b"}, []string{"there is no CA to check against"}},
		{Task{Dirs: []string{"/x"}, Key: "b", StartTLS: "smtp", ServerName: "x"}, []string{"--key needs --cert", "--starttls needs --remote", "--server-name needs --remote"}},
		{Task{Dirs: []string{"/x"}, DNSNames: []string{"10.0.0.1", "*.x", "bücher", "a b", ""}}, []string{"give it with --ip", "a client connects to one name", "A-labels", `"a b": it is not a DNS name`, `"": it is not`}},
		{Task{Dirs: []string{"/x"}, IPs: []string{"x"}, URIs: []string{"app", "%"}}, []string{`--ip: "x"`, `--uri: "app"`, `--uri: "%"`}},
		{Task{Dirs: []string{"/x", "", "/["}, At: "yesterday", MaxKeyMode: "0999", KeyOwner: "root"}, []string{"--at", "--max-key-mode", "--key-owner", "--dir is empty", "pattern is malformed"}},
		{Task{Remotes: []string{"db"}, SystemRoots: true, ServerName: "a_ b"}, []string{`--remote "db": it has no port`, "--server-name"}},
	} {
		err := c.task.Check()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want an error with %q", err, want)
			}
		}
	}
}

// Each of several directories, and each match of a pattern, is a set.
func TestSeveralDirectories(t *testing.T) {
	base := t.TempDir()
	for _, name := range []string{"a-tls", "b-tls", "c-tls"} {
		m, _ := carryOut(t)
		must(t, os.Rename(m.dir, filepath.Join(base, name)))
		must(t, os.Mkdir(m.dir, 0o700))
	}
	must(t, os.Remove(filepath.Join(base, "b-tls", "tls.key")))
	task := New()
	task.Dirs = []string{filepath.Join(base, "*-tls")}
	r := expect(t, task, "file-missing")
	if len(r.doc.Sets) != 3 || !strings.HasPrefix(r.summary[2], "failed "+filepath.Join(base, "b-tls")) {
		t.Errorf("%d sets, summary %q", len(r.doc.Sets), r.summary)
	}
}

// The termination message has one kilobyte: the verdict must fit, whatever was
// found.
func TestSummaryIsBounded(t *testing.T) {
	long := strings.Repeat("n", 60) + "." + strings.Repeat("m", 60) + ".test"
	_, task := carryOut(t, expired, caExpired, wrongIP, wrongUsage, leafWith(testpki.Names(long, "b."+long, "c."+long)), named("other."+long))
	r := run(t, task)
	if len(r.summary) != 1 || len(r.summary[0]) > summaryRoom || !bytes.Contains([]byte(r.summary[0]), []byte("expired")) {
		t.Errorf("%q", r.summary)
	}
	if len(r.err.Error()) > 400 {
		t.Errorf("%d bytes: %v", len(r.err.Error()), r.err)
	}
}

// The advice does not name flags that the command line already has.
func TestAdviceToWait(t *testing.T) {
	_, task := carryOut(t, replaced("tls.crt", func([]byte) []byte { return nil }))
	if r := run(t, task); !strings.Contains(tasks.NextOf(r.err), "or use --wait") {
		t.Errorf("got %v, next %q", r.err, tasks.NextOf(r.err))
	}
	task.Wait = true
	r, err := runExplained(t, task, "file-empty")
	advice := fmt.Sprint(tasks.NextOf(err), r.log, r.stdout, r.summary)
	if err == nil || !strings.HasSuffix(tasks.NextOf(err), "kubectl get certificate)") || strings.Contains(advice, "--wait") {
		t.Errorf("got %v, %s", err, advice)
	}
}

// The next step is separate from the cause even if something exists but is of no
// use.
func TestAdviceIsNotTheCause(t *testing.T) {
	m, _ := carryOut(t)
	for cause, set := range map[string]func(*Task){
		"it is a file":         func(task *Task) { task.Dirs = []string{m.path("tls.crt")} },
		"the image has no CAs": func(task *Task) { task.Dirs, task.SystemRoots = []string{m.dir}, true },
		"it is a directory":    func(task *Task) { task.Dirs, task.PasswordFile = []string{m.dir}, m.dir },
	} {
		task := New()
		set(task)
		r := run(t, task, "SSL_CERT_FILE="+m.path("nowhere"))
		if tasks.KindOf(r.err) != tasks.Usage || !strings.HasSuffix(r.err.Error(), ": "+cause) || tasks.NextOf(r.err) == "" {
			t.Errorf("%s: got %v, next %q", cause, r.err, tasks.NextOf(r.err))
		}
	}
}
