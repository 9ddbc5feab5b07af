package database

import (
	"context"

	"github.com/initbox/initbox/internal/files/mount"
)

// A Dialect is one kind of database: the value that a folder below this one
// exports. A task lists those it knows in [Options.Dialects].
type Dialect struct {
	Name    string   // value of --db-driver and scheme of its URLs: "postgres"
	Schemes []string // other schemes of its URLs
	Form    string   // of a URL: "postgres://USER@HOST:PORT/NAME"
	Quote   string   // stands around an identifier

	// ParseURL reads rest, which stands between "://" and "?", into p. It does
	// nothing and returns false if rest has the usual form,
	// [USER[:PASSWORD]@][HOST[:PORT][,...]][/NAME]. It may be nil.
	ParseURL func(p *Parts, rest string) (own bool, err error)

	// Check says what p lacks or has too much. It does no I/O and may be nil.
	Check func(p *Parts) error

	// Configure returns a client for t.Parts and completes these with what the
	// environment and the defaults add. It reads the files that o names with files.
	Configure func(t *Target, o *Options, files *mount.Reader) (Client, error)

	// Explain returns what err means if it is one of the server or the driver.
	Explain func(err error) (Verdict, bool)

	// ErrClosed is what the driver returns for a connection that was lost. It
	// may be nil.
	ErrClosed error
}

// A Client connects to one database. Its dialect's folder has the type, with a
// method that returns a connection of the driver. What a database does not have,
// such as a login or SQL, is refused with an error of kind [fault.Usage].
type Client interface {
	// First logs in, asks query and returns its first row. The query cannot
	// change the database. If it is "", the least that shows that the database
	// works is asked.
	First(ctx context.Context, query string) (Answer, error)

	// Greet succeeds if the server takes logins. It sends no credentials.
	Greet(ctx context.Context) error
}

// A Verdict is what an error of the database means for whoever waits.
type Verdict struct {
	Is    Condition
	Final bool   // no retry heals it
	Next  string // the step to try, "" if none is known
	Text  string // the error in words, without secrets and statements
}

// A Condition is a meaning of errors that this package asks for.
type Condition int

// The conditions; Other is every meaning that is not asked for.
const (
	Other Condition = iota
	WrongPassword
	ConnectionLost
	NoSuchTable
	WouldWrite // a query that may only read
	SyntaxError
)

// Steps to try that several dialects advise.
const (
	NextPassword = "check user and password (--db-user, --db-password-file, the Secret), and that the server knows the same ones"
	NextTooMany  = "wait for connections to end, lower the pool sizes of the applications, or raise max_connections (in PostgreSQL also the CONNECTION LIMIT of the role or database)"
	NextStarting = "the server is on its way up or down: look at its log if that takes long"
	NextDenied   = "GRANT the user what it lacks (in PostgreSQL from 15 on also CREATE ON SCHEMA public), or log in as the owner of the database"
	NextReadOnly = "the server is a replica, or a failover is under way: check that the host is the primary's"
	NextName     = "create the database first, or check its name (--db-name, or the path of the URL)"
	NextEncrypt  = "the server takes encrypted connections only: give --db-tls require, or verify-full with --db-ca"
)
