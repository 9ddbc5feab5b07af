package testdb

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// PgBouncer is a pooler in front of a PostgreSQL server.
type PgBouncer struct{ *server }

// StartPgBouncer starts a pooler in front of p, which ends with the test. Settings
// are lines of its configuration, such as "pool_mode=transaction".
func StartPgBouncer(t testnet.TB, p *Postgres, settings ...string) *PgBouncer {
	t.Helper()
	b := &PgBouncer{newServer(t, "postgres")}
	t.Cleanup(b.remove)
	program := find(t, "pgbouncer", "pgbouncer", "/usr/sbin")
	users := b.WriteFile(t, "users", fmt.Appendf(nil, "%q %q\n", Admin, AdminPassword))
	b.Port = freePort(t)
	config := b.WriteFile(t, "config", []byte(strings.Join(append([]string{
		"[databases]", "* = host=127.0.0.1 port=" + p.Port,
		"[pgbouncer]", "listen_addr=127.0.0.1", "listen_port=" + b.Port, "unix_socket_dir=", "auth_type=trust", "auth_file=" + users,
		"pidfile=" + filepath.Join(b.Dir, "pid"),
	}, settings...), "\n")+"\n"))
	b.url = p.url
	b.command = func(string) []string { return []string{program, config} }
	b.ready = func() error {
		conn, err := net.Dial("tcp", b.Addr())
		if err == nil {
			conn.Close()
		}
		return err
	}
	b.stopWith, b.deathWith = syscall.SIGTERM, syscall.SIGKILL
	b.Start(t)
	return b
}
