//go:build integration

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

// As PID 1 the kernel gives a process no default action for signals.
func TestStopsAsPID1(t *testing.T) {
	path, err := exec.LookPath("initbox")
	if err != nil {
		t.Fatal(err)
	}
	for signal, want := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		took := testtime.Best(stopBound, func() time.Duration {
			log := filepath.Join(t.TempDir(), "termination-log")
			if err := os.WriteFile(log, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			closed := testnet.Closed(t)
			cmd := exec.Command(path, "wait-tcp", "--termination-log", log, closed)
			cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID}
			if os.Getuid() != 0 {
				cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
			}
			got, took, stderr, err := stopWhen(cmd, signal, "waiting")
			if err != nil {
				t.Fatal(err)
			}
			message, _ := os.ReadFile(log)
			if got != want || !strings.Contains(string(message), "while waiting for "+closed) {
				t.Fatalf("%v: exit code %d after %v, want %d\n%s\n%s", signal, got, took, want, stderr, message)
			}
			return took
		})
		if took > stopBound {
			t.Errorf("it ended %v after %v", took, signal)
		}
	}
}
