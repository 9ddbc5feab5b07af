package testdb

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// MySQL is a MariaDB server.
type MySQL struct {
	*sqlServer
	Socket string // path of the server's socket
}

// MySQLSetup is the special configuration of a server.
type MySQLSetup struct {
	Args  []string          // arguments of mariadbd: "--max-connections=5"; $DIR is the server's folder
	Files map[string][]byte // files in the server's folder that only the server may read
}

// StartMySQL starts a server for this test alone, which ends with the test.
func StartMySQL(t testnet.TB, setup *MySQLSetup) *MySQL {
	t.Helper()
	m := newMySQL(t, setup)
	t.Cleanup(m.remove)
	m.Start(t)
	return m
}

const mysqlPackage = "mariadb-server"

func newMySQL(t testnet.TB, setup *MySQLSetup) *MySQL {
	t.Helper()
	if setup == nil {
		setup = new(MySQLSetup)
	}
	m := &MySQL{sqlServer: &sqlServer{server: newServer(t, "mysql")}}
	m.Socket = filepath.Join(m.Dir, "mysqld.sock")
	data := filepath.Join(m.Dir, "data")
	m.run(t, find(t, mysqlPackage, "mariadb-install-db"), "--no-defaults", "--datadir="+data,
		"--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", "--innodb-flush-method=nosync")
	admin := m.WriteFile(t, "admin.sql", []byte(strings.Join([]string{
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY '%s';", Admin, AdminPassword),
		fmt.Sprintf("GRANT ALL PRIVILEGES ON *.* TO '%s'@'%%' WITH GRANT OPTION;", Admin),
		"",
	}, "\n")))
	for name, content := range setup.Files {
		m.WriteFile(t, name, content)
	}
	program := find(t, mysqlPackage, "mariadbd", "/usr/sbin")
	m.command = func(port string) []string {
		args := []string{program, "--no-defaults", "--datadir=" + data, "--socket=" + m.Socket, "--port=" + port,
			"--bind-address=127.0.0.1", "--pid-file=" + filepath.Join(m.Dir, "pid"), "--init-file=" + admin,
			"--innodb-flush-log-at-trx-commit=0", "--innodb-flush-method=nosync", "--innodb-buffer-pool-size=32M",
			"--innodb-fast-shutdown=2", "--max-connections=200", "--tmpdir=" + m.Dir}
		for _, a := range setup.Args {
			args = append(args, strings.ReplaceAll(a, "$DIR", m.Dir))
		}
		return args
	}
	client := find(t, mysqlPackage, "mariadb")
	m.client = func(database string) *exec.Cmd {
		cmd := exec.Command(client, "--no-defaults", "--batch", "--skip-column-names", "--socket="+m.Socket, "--user="+Admin, "--skip-ssl", "--default-character-set=utf8mb4", "--database="+database)
		cmd.Env = append(os.Environ(), "MYSQL_PWD="+AdminPassword)
		return cmd
	}
	m.url, m.ready = url.URL{Scheme: "mysql"}, m.answers
	m.stopWith, m.deathWith = syscall.SIGTERM, syscall.SIGKILL
	return m
}
