//go:build integration

package testdb

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

var servers Servers

func TestMain(m *testing.M) {
	if os.Getenv("TESTDB_CHILD") != "" {
		child()
	}
	defer servers.Stop()
	m.Run()
}

func TestPostgres(t *testing.T) {
	p := servers.Postgres(t)
	name := p.NewDatabase(t)
	p.SQL(t, name, "CREATE TABLE t (a text); INSERT INTO t VALUES ('it''s')")
	if got := p.SQL(t, name, "SELECT a, 1 FROM t"); got != "it's|1" {
		t.Errorf("got %q", got)
	}
	if other := servers.Postgres(t).NewDatabase(t); other == name {
		t.Errorf("the same database twice: %s", other)
	}
}

func TestMySQL(t *testing.T) {
	m := servers.MySQL(t)
	name := m.NewDatabase(t)
	m.SQL(t, name, "CREATE TABLE t (a text); INSERT INTO t VALUES ('it''s')")
	if got := m.SQL(t, name, "SELECT a, 1 FROM t"); got != "it's\t1" {
		t.Errorf("got %q", got)
	}
}

// A server keeps its data and port when it starts again, even after a crash.
func TestRestart(t *testing.T) {
	p := StartPostgres(t, nil)
	p.SQL(t, "postgres", "CREATE TABLE t ()")
	addr := p.Addr()
	for _, end := range []func(){func() { p.Stop(t) }, func() { p.Kill(t) }} {
		end()
		if c, err := net.Dial("tcp", addr); err == nil {
			c.Close()
			t.Fatal("the server still listens")
		}
		p.Start(t)
		if got := p.SQL(t, "postgres", "SELECT count(*) FROM t"); got != "0" || p.Addr() != addr {
			t.Errorf("got %q at %s", got, p.Addr())
		}
	}
}

// Servers end with the process that started them, even if that is killed.
func TestNothingLingers(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "TESTDB_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 4096)
	n, _ := out.Read(buf)
	fields := strings.Fields(string(buf[:n]))
	if len(fields) != 4 {
		t.Fatalf("the child says %q", buf[:n])
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	defer os.RemoveAll(fields[1])
	defer os.RemoveAll(fields[3])
	for _, addr := range []string{fields[0], fields[2]} {
		for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
			c, err := net.Dial("tcp", addr)
			if err != nil {
				break
			}
			c.Close()
			if time.Now().After(deadline) {
				t.Fatalf("the server at %s is still there", addr)
			}
		}
	}
}

// child starts servers and waits to be killed.
func child() {
	t := failing{}
	p, m := newPostgres(t, nil), newMySQL(t, nil)
	p.Start(t)
	m.Start(t)
	fmt.Println(p.Addr(), p.Dir, m.Addr(), m.Dir)
	select {}
}

type failing struct{}

func (failing) Helper()        {}
func (failing) Cleanup(func()) {}
func (failing) Fatal(args ...any) {
	panic(args)
}

func TestProxy(t *testing.T) {
	p := servers.Postgres(t)
	proxy := NewProxy(t, p.Addr(), "127.0.0.7")
	c, err := net.Dial("tcp", proxy.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ask := []byte{0, 0, 0, 8, 4, 210, 22, 47} // SSLRequest
	if _, err := c.Write(ask); err != nil {
		t.Fatal(err)
	}
	answer := make([]byte, 1)
	if _, err := c.Read(answer); err != nil || answer[0] != 'N' {
		t.Fatalf("got %q, %v", answer, err)
	}
	proxy.Cut()
	if _, err := c.Read(answer); err == nil {
		t.Error("the connection is still there")
	}
}
