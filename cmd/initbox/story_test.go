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
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/initbox/initbox/internal/cli"
	"github.com/initbox/initbox/internal/testkit/lateport"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

// The stories in testdata/stories run initbox as a process of its own and look
// at what its users see: exit code, stderr, stdout, the termination message.
// In addition to testscript's commands they have:
//
//	exits CODE initbox ARGS...           run, and compare the exit code
//	expires TEXT initbox TASK ARGS...    run with a deadline that passes, late enough for the termination message to hold
//	                                     TEXT; DEADLINE in TEXT and ARGS is that deadline, which --timeout gets if ARGS lacks it
//	opens NAME initbox ARGS...           run, and open the late server NAME once stderr says "msg=waiting"; the exit code
//	                                     must be 0, and stderr.txt and stdout.txt hold the output
//	stops SIGNAL CODE TEXT initbox ARGS  run, send the signal once stderr holds TEXT; it must end within 200 ms
//	listen NAME open|closed|late|reset   put the address of such a server into the variable NAME
//	http NAME late                       put the URL of a server that answers 503 three times, then 200
//	http NAME STATUS                     or always STATUS
func TestStories(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "stories"),
		Setup: func(e *testscript.Env) error {
			log := filepath.Join(e.WorkDir, "termination-log")
			e.Values[serversKey{}] = &servers{late: make(map[string]*lateport.Port)}
			e.Setenv("INITBOX_TERMINATION_LOG", log)
			e.Setenv("GORACE", "atexit_sleep_ms=0")
			e.Setenv("UID", strconv.Itoa(os.Getuid()))
			e.Setenv("GID", strconv.Itoa(os.Getgid()))
			return os.WriteFile(log, nil, 0o600)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"expires": expires,
			"opens":   opens,
			"stops":   stops,
			"listen":  listen,
			"http":    serveHTTP,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"initbox": main}) }

// servers are the servers of one story.
type servers struct {
	env  []string                  // NAME=ADDRESS
	late map[string]*lateport.Port // by name
}

type serversKey struct{}

func serversOf(ts *testscript.TestScript) *servers { return ts.Value(serversKey{}).(*servers) }

func (s *servers) set(ts *testscript.TestScript, name, address string) {
	ts.Setenv(name, address)
	s.env = append(s.env, name+"="+address)
}

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

func expires(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: expires TEXT COMMAND...")
	}
	if !strings.Contains(strings.Join(args[1:], " "), "DEADLINE") {
		args = slices.Insert(slices.Clone(args), 3, "--timeout", "DEADLINE")
	}
	for deadline := range testtime.Deadlines {
		set := slices.Clone(args)
		for i := range set {
			set[i] = strings.ReplaceAll(set[i], "DEADLINE", deadline.String())
		}
		if got := exitStatus(ts.Exec(set[1], set[2:]...)); got != 124 {
			ts.Fatalf("exit code %d, want 124", got)
		}
		message := ts.ReadFile(ts.Getenv("INITBOX_TERMINATION_LOG"))
		if !strings.Contains(message, "deadline of "+deadline.String()) {
			ts.Fatalf("the termination message must name the deadline of %s:\n%s", deadline, message)
		}
		if strings.Contains(message, set[0]) {
			return
		}
	}
	ts.Fatalf("the termination message does not hold %q", args[0])
}

func opens(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: opens NAME COMMAND...")
	}
	port := serversOf(ts).late[args[0]]
	if port == nil {
		ts.Fatalf("%s is no late server", args[0])
	}
	cmd, stdout := command(ts, args[1:]), new(bytes.Buffer)
	cmd.Stdout = stdout
	got, stderr, err := when(cmd, "msg=waiting", func() error {
		l, err := port.Listen()
		if err == nil {
			ts.Defer(func() { l.Close() })
		}
		return err
	})
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), []byte(stderr), 0o600))
	ts.Check(os.WriteFile(ts.MkAbs("stdout.txt"), stdout.Bytes(), 0o600))
	if got != 0 {
		ts.Fatalf("exit code %d, want 0\n%s", got, stderr)
	}
}

func stops(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 4 {
		ts.Fatalf("usage: stops SIGNAL CODE TEXT COMMAND...")
	}
	signal := map[string]syscall.Signal{"SIGINT": syscall.SIGINT, "SIGTERM": syscall.SIGTERM}[args[0]]
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	took := testtime.Best(stopBound, func() time.Duration {
		got, took, stderr, err := stopWhen(command(ts, args[3:]), signal, args[2])
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs("stderr.txt"), []byte(stderr), 0o600))
		if got != want {
			ts.Fatalf("exit code %d, want %d\n%s", got, want, stderr)
		}
		return took
	})
	if took > stopBound {
		ts.Fatalf("it ended %v after the signal", took)
	}
}

// stopBound is how long initbox may take to end after a signal.
const stopBound = 200 * time.Millisecond

// command returns a command in the folder of the story, with its termination log
// and its servers in the environment.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	path, err := exec.LookPath(args[0])
	ts.Check(err)
	cmd := exec.Command(path, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = append(os.Environ(), "INITBOX_TERMINATION_LOG="+ts.Getenv("INITBOX_TERMINATION_LOG"))
	cmd.Env = append(cmd.Env, serversOf(ts).env...)
	return cmd
}

// stopWhen starts cmd, sends signal once its stderr holds text, and returns the
// exit code and how long the end took.
func stopWhen(cmd *exec.Cmd, signal syscall.Signal, text string) (code int, took time.Duration, stderr string, err error) {
	var sent time.Time
	code, stderr, err = when(cmd, text, func() error {
		sent = time.Now()
		return cmd.Process.Signal(signal)
	})
	return code, time.Since(sent), stderr, err
}

// when starts cmd, calls do once its stderr holds text, and returns the exit code.
func when(cmd *exec.Cmd, text string, do func() error) (code int, stderr string, err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return 0, "", err
	}
	defer r.Close()
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		return 0, "", err
	}
	w.Close()
	var out bytes.Buffer
	buf := make([]byte, 4096)
	for !strings.Contains(out.String(), text) {
		n, err := r.Read(buf)
		out.Write(buf[:n])
		if err != nil {
			return 0, "", fmt.Errorf("%w before stderr held %q: %s", err, text, &out)
		}
	}
	if err := do(); err != nil {
		return 0, "", err
	}
	code = exitStatus(cmd.Wait())
	_, err = out.ReadFrom(r)
	return code, out.String(), err
}

func listen(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: listen NAME open|closed|late|reset")
	}
	t := storyTB{ts}
	kinds := map[string]func() string{
		"open":   func() string { return testnet.Open(t) },
		"closed": func() string { return testnet.Closed(t) },
		"late": func() string {
			port, err := lateport.Reserve()
			ts.Check(err)
			ts.Defer(func() { port.Close() })
			serversOf(ts).late[args[0]] = port
			return port.Addr()
		},
		"reset": func() string { return testnet.Reset(t) },
	}
	start, ok := kinds[args[1]]
	if !ok {
		ts.Fatalf("no such server: %s", args[1])
	}
	serversOf(ts).set(ts, args[0], start())
}

func serveHTTP(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: http NAME late|STATUS")
	}
	always, asked := 0, new(atomic.Int32)
	if args[1] != "late" {
		n, err := strconv.Atoi(args[1])
		ts.Check(err)
		always = n
	}
	status := func() int {
		switch {
		case always != 0:
			return always
		case asked.Add(1) <= 3:
			return http.StatusServiceUnavailable
		default:
			return http.StatusOK
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		code := status()
		w.WriteHeader(code)
		fmt.Fprintln(w, "status", code)
	})}
	go func() { _ = server.Serve(l) }()
	ts.Defer(func() { server.Close() })
	serversOf(ts).set(ts, args[0], "http://"+l.Addr().String())
}

// Every folder below tasks is in the list of main.go.
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
