package database

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"sync"

	"github.com/go-sql-driver/mysql"
	"github.com/jackc/pgx/v5/pgconn"
	sqlite "modernc.org/sqlite"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/network/dial"
)

// Explain says in words what a connection or a statement has failed of, without
// the noise that drivers put around it and without a secret or the text of a
// statement. It is permanent where no retry heals it: a wrong password, an
// unknown database, a certificate. errors.As still finds the driver's error.
func (t *Target) Explain(err error) error { return t.explain(context.Background(), err) }

// explain is Explain for an attempt that ctx bounded. An attempt may be several
// tries, with TLS and without. A retry is of use if it is for one of them; if for
// none, the last one, which came furthest, is what counts.
func (t *Target) explain(ctx context.Context, err error) error {
	var explained error
	for _, try := range tries(err) {
		if explained = t.explainTry(ctx, try); !fault.Permanent(explained) {
			break
		}
	}
	return explained
}

// tries returns the errors that err joins, or err alone.
func tries(err error) []error {
	for e := err; e != nil; e = errors.Unwrap(e) {
		if many, ok := e.(interface{ Unwrap() []error }); ok {
			return many.Unwrap()
		}
	}
	return []error{err}
}

func (t *Target) explainTry(ctx context.Context, err error) error {
	var (
		told    *fault.Error
		pgErr   *pgconn.PgError
		myErr   *mysql.MySQLError
		timeout net.Error
	)
	switch {
	case err == nil || errors.As(err, &told):
		if told != nil {
			return told
		}
		return nil
	case errors.As(err, &pgErr):
		return t.explainPostgres(pgErr)
	case errors.As(err, &myErr):
		return t.explainMySQL(myErr)
	case t.Driver == SQLite:
		return t.explainSQLite(err)
	}
	if err := t.explainTLS(err); err != nil {
		return err
	}
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout(), ctx.Err() != nil:
		return &fault.Error{Err: &because{"the server accepts the connection but does not answer in time", err},
			Next: "the server hangs or is overloaded: look at its log, and check that the port is the database's"}
	case Lost(err):
		return &fault.Error{Err: &because{"the server, or a proxy before it, closed the connection", err},
			Next: "look at the log of the server and of what stands before it (a service mesh, PgBouncer, a load balancer)"}
	}
	return &because{root(err).Error(), err}
}

// because is an error in our words that still wraps the driver's.
type because struct {
	text  string
	cause error
}

func (b *because) Error() string { return b.text }
func (b *because) Unwrap() error { return b.cause }

// root returns the innermost error, of several the last: what is around it
// repeats the settings.
func root(err error) error {
	for {
		next := errors.Unwrap(err)
		if many, ok := err.(interface{ Unwrap() []error }); ok && len(many.Unwrap()) > 0 {
			next = many.Unwrap()[len(many.Unwrap())-1]
		}
		if next == nil {
			return err
		}
		err = next
	}
}

// Lost reports whether err means that the connection is gone or that the server
// is going down, so that a new connection may go on.
func Lost(err error) bool {
	var pgErr *pgconn.PgError
	var myErr *mysql.MySQLError
	switch {
	case err == nil:
		return false
	case errors.As(err, &pgErr):
		return strings.HasPrefix(pgErr.Code, "08") || strings.HasPrefix(pgErr.Code, "57P")
	case errors.As(err, &myErr):
		return myErr.Number == mysqlShutdown || myErr.Number == mysqlKilled
	}
	var text = root(err).Error()
	return dial.Closed(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, mysql.ErrInvalidConn) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, pgconn.ErrConnClosed) || strings.Contains(text, "unexpected EOF")
}

// A verdict is what an error code means for whoever waits.
type verdict struct {
	final bool
	next  string
}

func (v verdict) apply(err error, text string) error {
	kind := fault.Failed
	if v.final {
		kind = fault.Final
	}
	return &fault.Error{Kind: kind, Err: &because{text, err}, Next: v.next}
}

const (
	nextPassword = "check user and password (--db-user, --db-password-file, the Secret), and that the server knows the same ones"
	nextNoSecret = "no password was given: give --db-password-file, or put one into the URL"
	nextTooMany  = "wait for connections to end, lower the pool sizes of the applications, or raise max_connections (in PostgreSQL also the CONNECTION LIMIT of the role or database)"
	nextStarting = "the server is on its way up or down: look at its log if that takes long"
	nextDenied   = "GRANT the user what it lacks (in PostgreSQL from 15 on also CREATE ON SCHEMA public), or log in as the owner of the database"
	nextReadOnly = "the server is a replica, or a failover is under way: check that the host is the primary's"
)

// verdictsPostgres are the verdicts by SQLSTATE.
var verdictsPostgres = map[string]verdict{
	"28P01": {true, nextPassword},
	"28000": {true, "the server does not let this user in from here: look at its pg_hba.conf, at --db-tls, and at the role's LOGIN"},
	"3D000": {true, "create the database first, or check its name (--db-name, or the path of the URL)"},
	"0A000": {true, "check the version of the server"},
	"53300": {false, nextTooMany},
	"57P01": {false, nextStarting},
	"57P02": {false, nextStarting},
	"57P03": {false, nextStarting},
	"25006": {false, nextReadOnly},
	"42501": {false, nextDenied},
}

// Next returns the step to try after an error of the server or of SQLite, "" if
// err is none of these or no step is known.
func (t *Target) Next(err error) string {
	var (
		pgErr *pgconn.PgError
		myErr *mysql.MySQLError
		file  *sqlite.Error
	)
	switch {
	case errors.As(err, &pgErr):
		return fault.NextOf(t.explainPostgres(pgErr))
	case errors.As(err, &myErr):
		return fault.NextOf(t.explainMySQL(myErr))
	case errors.As(err, &file):
		return fault.NextOf(t.explainSQLite(file))
	}
	return ""
}

func (t *Target) explainPostgres(err *pgconn.PgError) error {
	v := verdictsPostgres[err.Code]
	if err.Code == "0A000" && !strings.HasPrefix(err.Message, "unsupported frontend protocol") {
		v = verdict{}
	}
	if err.Code == "28000" && strings.HasSuffix(err.Message, "no encryption") {
		v.next = "the server takes encrypted connections only: give --db-tls require, or verify-full with --db-ca; or let its pg_hba.conf have a line for this user without"
	}
	if err.Code == "28P01" && t.postgres != nil && t.postgres.Password == "" {
		v.next = nextNoSecret
	}
	return v.apply(err, fmt.Sprintf("PostgreSQL says: %s (SQLSTATE %s)", err.Message, err.Code))
}

// Numbers of MySQL's and MariaDB's errors.
const (
	mysqlShutdown    = 1053
	mysqlKilled      = 1927 // MariaDB: connection was killed
	mysqlSyntaxError = 1064
)

// verdictsMySQL are the verdicts by error number.
var verdictsMySQL = map[uint16]verdict{
	1040: {false, nextTooMany},
	1203: {false, nextTooMany},
	1226: {false, nextTooMany},
	1044: {true, "GRANT the user what it needs on the database, or check the name (--db-name, or the path of the URL)"},
	1045: {true, nextPassword},
	1698: {true, nextPassword},
	1049: {true, "create the database first, or check its name (--db-name, or the path of the URL)"},
	1129: {false, "the server has blocked this host after many broken connections: FLUSH HOSTS (mysqladmin flush-hosts), or raise max_connect_errors"},
	1130: {true, "the server does not let anybody in from this address: CREATE USER with another host, such as '%'"},
	1251: {true, "the server and this client share no way to log in: change the plugin of the user"},
	1524: {true, "the plugin that the user logs in with is not loaded: change the plugin of the user"},
	3118: {true, "unlock the account: ALTER USER ... ACCOUNT UNLOCK"},
	4151: {true, "unlock the account: ALTER USER ... ACCOUNT UNLOCK"},
	1820: {true, "change the password, which has expired: ALTER USER"},
	1862: {true, "change the password, which has expired: ALTER USER"},
	3159: {true, "the server takes encrypted connections only: give --db-tls require, or verify-full with --db-ca"},
	1053: {false, nextStarting},
	1142: {false, nextDenied},
	1290: {false, nextReadOnly},
	1836: {false, nextReadOnly},
}

// excerptMySQL is where the server's message repeats the statement.
var excerptMySQL = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?s) (to use )?near '.*' at line (\d+)$`) })

func (t *Target) explainMySQL(err *mysql.MySQLError) error {
	v := verdictsMySQL[err.Number]
	if err.Number == 1045 && t.mysql != nil && t.mysql.Passwd == "" {
		v.next = nextNoSecret
	}
	message := err.Message
	if err.Number == mysqlSyntaxError {
		message = excerptMySQL().ReplaceAllString(message, " at line $2")
	}
	return v.apply(err, fmt.Sprintf("MySQL says: %s (error %d, SQLSTATE %s)", message, err.Number, err.SQLState[:]))
}
