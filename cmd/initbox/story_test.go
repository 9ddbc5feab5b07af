package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/initbox/initbox/internal/cli"
	"github.com/initbox/initbox/internal/testnet"
)

// The stories in testdata/stories run initbox as a process of its own and look
// at what its users see: exit code, stderr, stdout, the termination message.
// Besides testscript's own commands they have:
//
//	exits CODE initbox ARGS...           run, and compare the exit code
//	stops SIGNAL CODE TEXT initbox ARGS  run, send the signal once stderr holds TEXT; it must end within 200 ms
//	listen NAME open|closed|late|reset   put the address of such a server into the variable NAME
//	http NAME late                       put the URL of a server that answers 503 for 300 ms, then 200
//	http NAME STATUS                     or always STATUS
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "stories"),
		Setup: func(e *testscript.Env) error {
			log := filepath.Join(e.WorkDir, "termination-log")
			e.Setenv("INITBOX_TERMINATION_LOG", log)
			e.Setenv("UID", strconv.Itoa(os.Getuid()))
			e.Setenv("GID", strconv.Itoa(os.Getgid()))
			return os.WriteFile(log, nil, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":  exits,
			"stops":  stops,
			"listen": listen,
			"http":   serveHTTP,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"initbox": main}) }

// A storyTB lets testnet clean up at the end of a story.
type storyTB struct{ ts *testscript.TestScript }

func (s storyTB) Helper()           {}
func (s storyTB) Cleanup(f func())  { s.ts.Defer(f) }
func (s storyTB) Fatal(args ...any) { s.ts.Fatalf("%s", fmt.Sprint(args...)) }

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if err != nil || neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND...")
	}
	if got := exitStatus(ts.Exec(args[1], args[2:]...)); got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func exitStatus(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		return -1
	}
}

func stops(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: stops SIGNAL CODE TEXT COMMAND...")
	}
	signal := map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM}[args[0]]
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	path, err := exec.LookPath(args[3])
	ts.Check(err)
	cmd := exec.Command(path, args[4:]...)
	cmd.Env = append(os.Environ(), "INITBOX_TERMINATION_LOG="+ts.Getenv("INITBOX_TERMINATION_LOG"))
	got, took, stderr, err := stopWhen(cmd, signal, args[2])
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), []byte(stderr), 0o600))
	if got != want || took > 200*time.Millisecond {
		ts.Fatalf("exit code %d %v after the signal, want %d\n%s", got, took, want, stderr)
	}
}

// stopWhen starts cmd, sends signal once its stderr holds text, and returns the
// exit code and how long the end took.
func stopWhen(cmd *exec.Cmd, signal syscall.Signal, text string) (code int, took time.Duration, stderr string, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, 0, "", err
	}
	defer r.Close()
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		return 0, 0, "", err
	}
	w.Close()
	var out bytes.Buffer
	buf := make([]byte, 4096)
	for !strings.Contains(out.String(), text) {
		n, err := r.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			return 0, 0, "", fmt.Errorf("%w before stderr held %q: %s", err, text, &out)
		}
	}
	sent := time.Now()
	if err := cmd.Process.Signal(signal); err != nil {
		return 0, 0, "", err
	}
	code = exitStatus(cmd.Wait())
	took = time.Since(sent)
	_, err = out.ReadFrom(r)
	return code, took, out.String(), err
}

func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: listen NAME open|closed|late|reset")
	}
	t := storyTB{ts}
	servers := map[string]func() string{
		"open":   func() string { return testnet.Open(t) },
		"closed": func() string { return testnet.Closed(t) },
		"late":   func() string { return testnet.Late(t, 300*time.Millisecond) },
		"reset":  func() string { return testnet.Reset(t) },
	}
	start, ok := servers[args[1]]
	if !ok {
		ts.Fatalf("no such server: %s", args[1])
	}
	ts.Setenv(args[0], start())
}

func serveHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: http NAME late|STATUS")
	}
	var status atomic.Int32
	if args[1] == "late" {
		status.Store(http.StatusServiceUnavailable)
		timer := time.AfterFunc(300*time.Millisecond, func() { status.Store(http.StatusOK) })
		ts.Defer(func() { timer.Stop() })
	} else {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		status.Store(int32(n))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(int(status.Load()))
		fmt.Fprintln(w, "status", status.Load())
	})}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { server.Close() })
	ts.Setenv(args[0], "http://"+l.Addr().String())
}

// As PID 1 the kernel gives a process no default action for signals.
func TestStopsAsPID1(t *testing.T) {
	path, err := exec.LookPath("initbox")
	if err != nil {
		t.Fatal(err)
	}
	for signal, want := range map[syscall.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
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
		if got != want || took > 200*time.Millisecond || !strings.Contains(string(message), "while waiting for "+closed) {
			t.Errorf("%v: exit code %d after %v, want %d\n%s\n%s", signal, got, took, want, stderr, message)
		}
	}
}

// A task that hangs is no reason to hang: what main gives to cli is enough for
// the watchdog, so that it cannot be lost unseen.
func TestMainHasEveryTask(t *testing.T) {
	app := &cli.App{Specs: specs}
	var out bytes.Buffer
	if code := app.Main(&cli.Process{Args: []string{"help"}, Stdout: &out, Stderr: &out}); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	folders, err := os.ReadDir(filepath.Join("..", "..", "tasks"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if !f.IsDir() || f.Name() == "testdata" {
			continue
		}
		listed := strings.Contains(strings.ReplaceAll(out.String(), "-", ""), "\n  "+f.Name()+" ")
		if !listed {
			t.Errorf("tasks/%s is not in main.go", f.Name())
		}
	}
}
