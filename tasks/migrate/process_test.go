package migrate

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/tasks"
)

// helperVariable makes the test binary run initbox migrate. It holds the arguments,
// one per line.
const helperVariable = "INITBOX_MIGRATE_HELPER"

// helper is the process that tests kill.
func helper() int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 5*patience)
	defer cancel()
	task := New()
	fs := pflag.NewFlagSet("helper", pflag.ContinueOnError)
	task.Flags(fs)
	if err := fs.Parse(strings.Split(os.Getenv(helperVariable), "\n")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 2
	}
	env := tasks.NewEnv(slog.New(slog.NewTextHandler(os.Stderr, nil)), io.Discard, false)
	err := task.Run(ctx, env)
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	fmt.Fprintln(os.Stderr, "changes:", env.Changes())
	return 0
}

// A process is one initbox migrate.
type process struct {
	cmd *exec.Cmd
	log *testlog.Buffer
}

func start(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(os.Args[0]), log: new(testlog.Buffer)}
	p.cmd.Env = append(os.Environ(), helperVariable+"="+strings.Join(args, "\n"), "GOMAXPROCS=1")
	p.cmd.Stderr = p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return p
}

// wait waits for the end and fails the test if p failed.
func (p *process) wait(t *testing.T) {
	t.Helper()
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, p.log)
	}
}

// stop ends p as the kubelet does at first, and returns how long that took.
func (p *process) stop(t *testing.T) time.Duration {
	t.Helper()
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	began := time.Now()
	if err := p.cmd.Wait(); err == nil {
		t.Errorf("it succeeded\n%s", p.log)
	}
	return time.Since(began)
}

// kill ends p as the kubelet does in the end.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// start runs a process for the site.
func (s *site) start(args ...string) *process {
	s.t.Helper()
	return start(s.t, append([]string{"--database=" + s.url, "--source=" + s.dir}, args...)...)
}
