// Package testdb runs real database servers for tests: PostgreSQL and MariaDB on
// private folders, sockets and ports of loopback. They end with the test, or with
// the process if that is killed; the next run then removes their folders. They are
// set up for speed, not for keeping data.
//
// A package that needs a server in several tests shares it:
//
//	var servers testdb.Servers
//
//	func TestMain(m *testing.M) {
//		defer servers.Stop()
//		m.Run()
//	}
//
//	func TestX(t *testing.T) {
//		url := servers.Postgres(t).URL(servers.Postgres(t).NewDatabase(t))
//		...
//	}
//
// A test that stops its server, or needs special settings, starts its own with
// [StartPostgres] or [StartMySQL].
package testdb

import (
	"sync"
	"time"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// Admin is the user who may do everything on every server here, and AdminPassword
// is the password.
const (
	Admin         = "admin"
	AdminPassword = "Adm1n-s3cret"
)

// patience is how long a server may take to start, stop or run a short statement.
const patience = time.Minute

// Servers are the servers that the tests of one package share. Each starts when a
// test first asks for it. The zero value is ready to use.
type Servers struct {
	mu       sync.Mutex
	postgres *Postgres
	mysql    *MySQL
}

// Postgres returns the shared PostgreSQL server.
func (s *Servers) Postgres(t testnet.TB) *Postgres {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres == nil {
		p := newPostgres(t, nil)
		s.postgres = p
		p.Start(t)
	}
	return s.postgres
}

// MySQL returns the shared MariaDB server.
func (s *Servers) MySQL(t testnet.TB) *MySQL {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mysql == nil {
		m := newMySQL(t, nil)
		s.mysql = m
		m.Start(t)
	}
	return s.mysql
}

// Stop ends the servers and removes their folders.
func (s *Servers) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres != nil {
		s.postgres.remove()
	}
	if s.mysql != nil {
		s.mysql.remove()
	}
}
