package testdb

import (
	"bytes"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// A sqlServer is a server with a client that runs SQL.
type sqlServer struct {
	*server
	client     func(database string) *exec.Cmd // runs the statements on its stdin as Admin
	home       string                          // the database to connect to for statements about no other database, if one is needed
	dropOption string                          // option of DROP DATABASE that cuts the connections to it

	databases atomic.Int32
}

// NewDatabase creates an empty database and returns its name.
func (s *sqlServer) NewDatabase(t testnet.TB) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", s.databases.Add(1))
	s.SQL(t, s.home, "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if _, err := s.sql(s.home, "DROP DATABASE IF EXISTS "+name+s.dropOption); err != nil && s.process != nil {
			t.Fatal(err)
		}
	})
	return name
}

// SQL runs statements as [Admin] and returns the rows. Columns are separated by
// "|" on PostgreSQL and by tabs on MariaDB.
func (s *sqlServer) SQL(t testnet.TB, database, statements string) string {
	t.Helper()
	out, err := s.sql(database, statements)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *sqlServer) sql(database, statements string) (string, error) {
	var out, errs bytes.Buffer
	cmd := s.client(database)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(statements), &out, &errs
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, &errs)
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// answers returns nil if the server runs SQL.
func (s *sqlServer) answers() error {
	_, err := s.sql(s.home, "SELECT 1")
	return err
}
