package docker

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/e2e/image"
)

// The restrictions in all our manifests, and a random user as in OpenShift.
var hardened = []string{"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "12345:0"}

func TestHelpAndVersion(t *testing.T) {
	r := initbox(t, []string{"--network", "none"}, "version")
	want(t, r, 0)
	if !strings.HasPrefix(r.Stdout, "initbox "+git(t, "describe", "--tags", "--always", "--dirty")+"\n") {
		t.Errorf("version: %s", r.Stdout)
	}
	r = initbox(t, []string{"--network", "none"}, "help", "wait-tcp")
	want(t, r, 0)
	if !strings.Contains(r.Stdout, "Usage: initbox wait-tcp") {
		t.Errorf("help: %s", r.Stdout)
	}
	want(t, initbox(t, []string{"--network", "none"}), 2, "Usage: initbox TASK")
	want(t, initbox(t, []string{"--network", "none"}, "wait-tpc"), 2, "did you mean wait-tcp")
}

func TestWaitTCPUnderEveryRestriction(t *testing.T) {
	tests := map[string][]string{
		"as it is":           nil,
		"as another user":    {"--user", "12345:0"},
		"as root":            {"--user", "0:0"},
		"read-only":          {"--read-only"},
		"no capability":      {"--cap-drop", "ALL"},
		"no new privileges":  {"--security-opt", "no-new-privileges"},
		"little memory":      {"--memory", "32m"},
		"all of them":        hardened,
		"under Docker's own": {"--init"},
	}
	for name, options := range tests {
		t.Run(name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			r := initbox(t, append([]string{"--network", "host"}, options...), "wait-tcp", listener.Addr().String())
			want(t, r, 0, "wait-tcp: done in")
		})
	}
}

func TestWaitTCPSeesALatePort(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	id := detached(t, append([]string{"--network", "host"}, append(hardened, image.Name, "wait-tcp", address)...)...)
	waitForLog(t, id, "connection refused")
	if listener, err = net.Listen("tcp", address); err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if code := docker(t, "wait", id); code != "0" {
		t.Errorf("exit code %s\n%s", code, logs(t, id))
	}
}

func TestWaitTCPOnASocketInAVolume(t *testing.T) {
	shared := open(t)
	listener, err := net.Listen("unix", filepath.Join(shared, "socket"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if err := os.Chmod(filepath.Join(shared, "socket"), 0o777); err != nil {
		t.Fatal(err)
	}
	r := initbox(t, append([]string{"--network", "none", "--volume", shared + ":/run/proxy"}, hardened...), "wait-tcp", "unix:///run/proxy/socket")
	want(t, r, 0, "wait-tcp: done in")
}

func TestDeadline(t *testing.T) {
	r := initbox(t, []string{"--network", "none"}, "wait-tcp", "--timeout", "300ms", "127.0.0.1:1")
	want(t, r, 124, "127.0.0.1:1", "connection refused")
}

// initbox runs as PID 1, where the kernel has no default action for signals, and as a child of Docker's own init.
func TestDockerStop(t *testing.T) {
	for _, options := range [][]string{nil, {"--init"}} {
		t.Run(fmt.Sprint(options), func(t *testing.T) {
			// The quickest of several: the delays of a busy machine are not those of initbox.
			quickest := time.Hour
			for range 5 {
				if quickest = min(quickest, stopped(t, options)); quickest < time.Second {
					break
				}
			}
			t.Logf("docker stop took %v", quickest)
			if quickest > time.Second {
				t.Errorf("docker stop took %v", quickest)
			}
		})
	}
}

// stopped returns how long docker stop took for a container that waits, which must end by itself.
func stopped(t *testing.T, options []string) time.Duration {
	t.Helper()
	args := append([]string{"--network", "none"}, options...)
	id := detached(t, append(args, image.Name, "wait-tcp", "127.0.0.1:1")...)
	waitForLog(t, id, "connection refused")
	start := time.Now()
	docker(t, "stop", "--time", "60", id)
	took := time.Since(start)
	if code := docker(t, "inspect", "--format", "{{.State.ExitCode}}", id); code != "143" {
		t.Errorf("exit code %s, want 143\n%s", code, logs(t, id))
	}
	if log := logs(t, id); !strings.Contains(log, "SIGTERM") {
		t.Errorf("the log does not name the signal:\n%s", log)
	}
	return took
}

func TestTerminationLog(t *testing.T) {
	log := filepath.Join(open(t), "log")
	if err := os.WriteFile(log, []byte("what the last run left, which is longer than what comes now"+strings.Repeat(".", 200)), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(log, 0o666); err != nil {
		t.Fatal(err)
	}
	options := append([]string{"--network", "none", "--volume", log + ":/dev/termination-log"}, hardened...)
	want(t, initbox(t, options, "wait-tcp", "--timeout", "200ms", "127.0.0.1:1"), 124)
	if message := read(t, log); !strings.HasPrefix(message, "wait-tcp: ") || !strings.Contains(message, "127.0.0.1:1") || strings.Contains(message, "last run") {
		t.Errorf("termination message:\n%s", message)
	}
}

// docker run provides no termination log; initbox must not complain about that.
func TestNoTerminationLog(t *testing.T) {
	r := initbox(t, append([]string{"--network", "none"}, hardened...), "wait-tcp", "--timeout", "200ms", "127.0.0.1:1")
	want(t, r, 124)
	if strings.Contains(r.Stderr, "termination") {
		t.Errorf("the log speaks of the termination message:\n%s", r.Stderr)
	}
}

func logs(t *testing.T, id string) string {
	t.Helper()
	r, err := shared.engine.Client("logs", id).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r.Stdout + r.Stderr
}

func waitForLog(t *testing.T, id, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for !strings.Contains(logs(t, id), text) {
		select {
		case <-ctx.Done():
			t.Fatalf("the log never had %q:\n%s", text, logs(t, id))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
