package testdb

import (
	"bytes"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/initbox/initbox/internal/testkit/testdir"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testproc"
)

// A server is the common part of PostgreSQL, MariaDB and PgBouncer.
type server struct {
	Dir  string // private folder, which also holds the socket
	Port string // on 127.0.0.1

	folder    *testdir.Dir
	user      *syscall.Credential // nil for the user of the test
	command   func(port string) []string
	ready     func() error
	url       url.URL        // the common part of the URLs of its databases
	stopWith  syscall.Signal // ends the server in good order
	deathWith syscall.Signal // sent to the server when the test process dies

	process *os.Process
	done    <-chan error // closed after process has ended
}

// find returns the path of a program in one of folders, or else in PATH. Folders
// come first because Debian puts wrappers of PostgreSQL's programs into PATH.
func find(t testnet.TB, debianPackage, name string, folders ...string) string {
	t.Helper()
	for _, pattern := range folders {
		found, _ := filepath.Glob(filepath.Join(pattern, name))
		if len(found) > 0 {
			return found[len(found)-1]
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		t.Fatal("there is no program " + name + ": make install-tools installs the package " + debianPackage)
	}
	return path
}

// newServer makes the private folder of a server.
func newServer(t testnet.TB, users ...string) *server {
	t.Helper()
	folder, err := testdir.Make("", "initbox-test-")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{Dir: folder.Path, folder: folder}
	if os.Geteuid() == 0 { // PostgreSQL refuses to run as root
		s.user = unprivileged(t, users...)
		if err := os.Chown(s.Dir, int(s.user.Uid), int(s.user.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func unprivileged(t testnet.TB, names ...string) *syscall.Credential {
	t.Helper()
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, _ := strconv.ParseUint(u.Uid, 10, 32)
		gid, _ := strconv.ParseUint(u.Gid, 10, 32)
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	}
	t.Fatal("there is no user to run the server as: not even nobody")
	return nil
}

// run runs a program as the server's user.
func (s *server) run(t testnet.TB, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = s.Dir
	cmd.Env = append(os.Environ(), "TMPDIR="+s.Dir) // servers that share a TMPDIR remove each other's files
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user}
	cmd.ExtraFiles = s.lock()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Sprintf("%s: %v\n%s", name, err, out))
	}
}

// lock returns the lock for a program to inherit: if the test is killed, the
// program needs the folder until it has ended.
func (s *server) lock() []*os.File { return []*os.File{s.folder.Lock} }

// WriteFile writes a file below the server's folder that the server may read, and
// returns its path.
func (s *server) WriteFile(t testnet.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(s.Dir, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if s.user != nil {
		if err := os.Chown(path, int(s.user.Uid), int(s.user.Gid)); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

// Addr returns the server's address as HOST:PORT.
func (s *server) Addr() string { return net.JoinHostPort("127.0.0.1", s.Port) }

// URL returns the URL of a database for [Admin].
func (s *server) URL(database string) string {
	u := s.url
	u.User, u.Host, u.Path = url.UserPassword(Admin, AdminPassword), s.Addr(), "/"+database
	return u.String()
}

// Start starts the server, also again after Stop or Kill, and waits until it is
// ready.
func (s *server) Start(t testnet.TB) {
	t.Helper()
	s.Launch(t)
	deadline := time.Now().Add(patience)
	for {
		err := s.ready()
		if err == nil {
			return
		}
		select {
		case err := <-s.done:
			if !strings.Contains(s.logTail(), sharedMemory) || time.Now().After(deadline) {
				t.Fatal(fmt.Sprintf("the server ended at once: %v\n%s", err, s.logTail()))
			}
			time.Sleep(100 * time.Millisecond)
			s.Launch(t)
		default:
		}
		if time.Now().After(deadline) {
			t.Fatal(fmt.Sprintf("the server is not ready: %v\n%s", err, s.logTail()))
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// sharedMemory is in the log of a PostgreSQL that was started while the sessions
// of a killed one were still ending.
const sharedMemory = "pre-existing shared memory block"

// Launch starts the server without waiting until it is ready.
func (s *server) Launch(t testnet.TB) {
	t.Helper()
	if s.Port == "" {
		s.Port = freePort(t)
	}
	log, err := os.OpenFile(s.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	argv := s.command(s.Port)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Dir, log, log
	cmd.ExtraFiles = s.lock()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Setpgid: true}
	done, err := testproc.Start(cmd, s.deathWith)
	if err != nil {
		t.Fatal(err)
	}
	s.process, s.done = cmd.Process, done
}

// freePort returns a port that was free a moment ago.
func freePort(t testnet.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// Stop ends the server in good order: it cuts connections and keeps data.
func (s *server) Stop(t testnet.TB) {
	t.Helper()
	s.end(s.stopWith)
}

// Kill ends the server as a crash does.
func (s *server) Kill(t testnet.TB) {
	t.Helper()
	s.end(syscall.SIGKILL)
}

func (s *server) end(signal syscall.Signal) {
	process := s.process
	if process == nil {
		return
	}
	_ = process.Signal(signal)
	late := time.AfterFunc(patience, func() { _ = process.Kill() })
	for range s.done { // closed when it has ended, however it did
	}
	late.Stop()
	s.process = nil
}

// Pause stops the server's main process with SIGSTOP until resume is called.
// Meanwhile the server accepts connections but does not answer.
func (s *server) Pause(t testnet.TB) (resume func()) {
	t.Helper()
	process := s.process
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	return func() { _ = process.Signal(syscall.SIGCONT) }
}

func (s *server) remove() {
	s.end(s.stopWith)
	_ = s.folder.Remove()
}

func (s *server) logFile() string { return filepath.Join(s.Dir, "log") }

// Log returns what the server has logged.
func (s *server) Log() string {
	data, _ := os.ReadFile(s.logFile())
	return string(data)
}

func (s *server) logTail() string {
	data, _ := os.ReadFile(s.logFile())
	lines := bytes.Split(data, []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-30):], []byte("\n")))
}
