package testproc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testtime"
)

func TestEnded(t *testing.T) {
	ended, err := Start(exec.Command("sh", "-c", "exit 3"), syscall.SIGKILL)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err == nil || err.Error() != "exit status 3" {
		t.Errorf("it ended with %v", err)
	}
	if err, more := <-ended; err != nil || more {
		t.Errorf("there is more: %v", err)
	}
	if _, err := Start(exec.Command("/nowhere"), syscall.SIGKILL); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

const parent = "TESTPROC_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(parent) == "" {
		m.Run()
		return
	}
	cmd := exec.Command("sleep", "600")
	if _, err := Start(cmd, syscall.SIGTERM); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cmd.Process.Pid)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// All programs that a killed process has started end.
func TestParentKilled(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), parent+"=1")
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) {
		t.Fatalf("the parent was not killed: %v, %s", err, out)
	}
	stat := "/proc/" + strings.TrimSpace(string(out)) + "/stat"
	for deadline := time.Now().Add(testtime.Patience); ; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(stat)
		if err != nil || bytes.Contains(text, []byte("(sleep) Z")) { // ended, or waiting to be reaped
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("it goes on: %s", text)
		}
	}
}
