package testdb

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// Postgres is a PostgreSQL server.
type Postgres struct{ *sqlServer }

// PostgresSetup is the special configuration of a server.
type PostgresSetup struct {
	Settings []string          // settings of postgresql.conf: "ssl=on"
	HBA      []string          // lines of pg_hba.conf before the usual ones
	Files    map[string][]byte // files in the data folder that only the server may read
}

// StartPostgres starts a server for this test alone, which ends with the test.
func StartPostgres(t testnet.TB, setup *PostgresSetup) *Postgres {
	t.Helper()
	p := newPostgres(t, setup)
	t.Cleanup(p.remove)
	p.Start(t)
	return p
}

// LaunchPostgres is StartPostgres without waiting until the server is ready.
func LaunchPostgres(t testnet.TB, setup *PostgresSetup) *Postgres {
	t.Helper()
	p := newPostgres(t, setup)
	t.Cleanup(p.remove)
	p.Launch(t)
	return p
}

// Promote ends the recovery of a server that was launched as a standby. Until
// then, with the file standby.signal and hot_standby=off, the server reports that
// it is starting up. Promote waits for that report, because a server that has not
// come that far loses the signal.
func (p *Postgres) Promote(t testnet.TB) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		err := p.ready()
		if err == nil {
			t.Fatal("the server is no standby that starts up")
		}
		if strings.Contains(err.Error(), "the database system is ") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not start up: " + p.logTail())
		}
	}
	p.WriteFile(t, "data/promote", nil)
	if err := p.process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
}

const postgresPackage, postgresFolder = "postgresql", "/usr/lib/postgresql/*/bin"

func newPostgres(t testnet.TB, setup *PostgresSetup) *Postgres {
	t.Helper()
	if setup == nil {
		setup = new(PostgresSetup)
	}
	p := &Postgres{&sqlServer{server: newServer(t, "postgres"), home: "postgres", dropOption: " WITH (FORCE)"}}
	data := filepath.Join(p.Dir, "data")
	password := p.WriteFile(t, "password", []byte(AdminPassword))
	p.run(t, find(t, postgresPackage, "initdb", postgresFolder), "-D", data, "-U", Admin, "--pwfile", password,
		"-E", "UTF8", "--locale", "C", "--no-sync", "-A", "scram-sha-256")
	if len(setup.HBA) > 0 {
		usual, err := os.ReadFile(filepath.Join(data, "pg_hba.conf"))
		if err != nil {
			t.Fatal(err)
		}
		p.WriteFile(t, "data/pg_hba.conf", append([]byte(strings.Join(setup.HBA, "\n")+"\n"), usual...))
	}
	for name, content := range setup.Files {
		p.WriteFile(t, "data/"+name, content)
	}
	program := find(t, postgresPackage, "postgres", postgresFolder)
	p.command = func(port string) []string {
		args := []string{program, "-D", data, "-p", port, "-k", p.Dir}
		for _, s := range append([]string{
			"listen_addresses=127.0.0.1", "fsync=off", "full_page_writes=off", "synchronous_commit=off",
			"shared_buffers=32MB", "max_connections=200", "log_min_messages=warning",
		}, setup.Settings...) {
			args = append(args, "-c", s)
		}
		return args
	}
	psql := find(t, postgresPackage, "psql", postgresFolder)
	p.client = func(database string) *exec.Cmd {
		cmd := exec.Command(psql, "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", p.Dir, "-p", p.Port, "-U", Admin, "-d", database, "-f", "-")
		cmd.Env = append(os.Environ(), "PGPASSWORD="+AdminPassword, "PGSSLMODE=disable")
		return cmd
	}
	p.url, p.ready = url.URL{Scheme: "postgres", RawQuery: "sslmode=disable"}, p.answers
	p.stopWith, p.deathWith = syscall.SIGINT, syscall.SIGQUIT // fast and immediate shutdown
	return p
}
