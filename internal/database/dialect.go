package database

import (
	"context"

	"github.com/initbox/initbox/internal/files/mount"
)

// A Dialect is one kind of database. Each folder below this one exports one. A task
// lists the dialects that it supports in [Options.Dialects].
type Dialect struct {
	Name    string   // value of --db-driver and scheme of its URLs: "postgres"
	Schemes []string // other schemes of its URLs
	Form    string   // of a URL: "postgres://USER@HOST:PORT/NAME"
	Quote   string   // encloses an identifier

	// ParseURL reads rest, the text between "://" and "?", into p. It does nothing
	// and returns false if rest has the usual form,
	// [USER[:PASSWORD]@][HOST[:PORT][,...]][/NAME]. It may be nil.
	ParseURL func(p *Parts, rest string) (own bool, err error)

	// Check returns an error if p lacks a part or has one that the database does not
	// take. It does no I/O and may be nil.
	Check func(p *Parts) error

	// Configure returns a client for t.Parts, to which it adds what the environment
	// and the defaults give. It reads the files that o names through files.
	Configure func(t *Target, o *Options, files *mount.Reader) (Client, error)

	// Explain returns the meaning of err, and false if err is not from the server or
	// the driver.
	Explain func(err error) (Verdict, bool)

	// ErrClosed is the driver's error for a lost connection. It may be nil.
	ErrClosed error
}

// A Client connects to one database. Its type is in the dialect's folder and has one
// more method, which returns a connection of the driver. A method that makes no sense
// for the database, such as Greet for a file, returns an error of kind [fault.Usage].
type Client interface {
	// First logs in, runs query and returns its first row. The query cannot change
	// the database. If query is "", First runs the cheapest one that shows that the
	// database works.
	First(ctx context.Context, query string) (Answer, error)

	// Greet succeeds if the server accepts logins. It sends no credentials.
	Greet(ctx context.Context) error
}

// A Verdict is the meaning of an error of the database.
type Verdict struct {
	Is    Condition
	Final bool   // no retry can fix it
	Next  string // the step to try, "" if none is known
	Text  string // the explained error, without secrets and statements
}

// A Condition is a meaning of errors that callers handle.
type Condition int

// The conditions. Other is every meaning that no caller handles.
const (
	Other Condition = iota
	WrongPassword
	ConnectionLost
	NoSuchTable
	WouldWrite // from a query that may only read
	SyntaxError
)

// Next steps that several dialects advise.
const (
	NextPassword = "check user and password (--db-user, --db-password-file, the Secret), and that the server knows the same ones"
	NextTooMany  = "wait for connections to end, lower the pool sizes of the applications, or raise max_connections (in PostgreSQL also the CONNECTION LIMIT of the role or database)"
	NextStarting = "the server is on its way up or down: look at its log if that takes long"
	NextDenied   = "GRANT the user what it lacks (in PostgreSQL from 15 on also CREATE ON SCHEMA public), or log in as the owner of the database"
	NextReadOnly = "the server is a replica, or a failover is under way: check that the host is the primary's"
	NextName     = "create the database first, or check its name (--db-name, or the path of the URL)"
	NextEncrypt  = "the server takes encrypted connections only: give --db-tls require, or verify-full with --db-ca"
)
