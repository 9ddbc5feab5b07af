package waitdb

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/database/mysql"
	"github.com/initbox/initbox/internal/database/postgres"
	"github.com/initbox/initbox/internal/database/sqlite"
	"github.com/initbox/initbox/internal/wait"
	"github.com/initbox/initbox/tasks"
)

// Spec is the task wait-db.
var Spec = tasks.Spec{
	Name:  "wait-db",
	Group: "wait",
	Doc: `wait until a database takes logins, answers a query, or is migrated

The database is PostgreSQL, MySQL or MariaDB, or a SQLite file. It is ready when
a login works and SELECT 1 returns. The task tries again if a connection is
refused, a name does not resolve yet, or the server is starting up or has no
connection left. A wrong password, an unknown database or a certificate that is
not trusted ends the wait at once with exit code 3.

--database or --database-file says where the database is; without these and
without --db-driver, DATABASE_URL does. Each --db- flag replaces its part of the
URL, or gives that part if there is no URL; nothing in it needs escaping. For
PostgreSQL the PG variables (PGHOST, PGSSLMODE, ...) give the rest, as libpq
documents them.

With --query the database is ready when the query returns a row, and with
--expect when the first value of the first row is that text. The query can only
read. With --at-version or --source it is ready when the migrations up to that
version, or up to the newest one in that folder, have been applied: one Job
migrates, all pods wait. Such a wait logs in about four times a second at first,
then less and less often.

--no-login needs no credentials and sends none: the server must answer as one
that accepts logins. PostgreSQL does not while it is starting up.`,
	Timeout: 5 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "a PostgreSQL whose URL is in a Secret", Command: "initbox wait-db --database-file /secrets/url"},
		{Doc: "the same in parts: the password may hold any character", Command: "initbox wait-db --db-driver postgres --db-host postgres --db-user app --db-password-file /secrets/password --db-name app"},
		{Doc: "a MariaDB with TLS, whatever the user", Command: "initbox wait-db --no-login --database mysql://mariadb:3306"},
		{Doc: "until the Job has applied the migrations of this image", Command: "initbox wait-db --database-file /secrets/url --source /migrations"},
		{Doc: "until there is a row", Command: "initbox wait-db --database-file /secrets/url --query 'SELECT 1 FROM tenants LIMIT 1'"},
	},
	Needs: tasks.Needs{Mounts: []string{"the files that flags name: URL or password, CA; read-only", "the migrations of --source, read-only"}},
	Container: `args:
  - wait-db
  - --db-driver=postgres
  - --db-host=postgres
  - --db-user=app
  - --db-password-file=/secrets/password    # any character, nothing to escape
  - --db-name=shop
  - --db-ca=/ca/ca.crt                      # checks certificate and name of the server
volumeMounts:
  - {name: ca, mountPath: /ca, readOnly: true}
  - {name: database, mountPath: /secrets, readOnly: true}`,
	New: func() tasks.Task { return New() },
}

// A Task waits for a database.
type Task struct {
	wait.Options
	Database  database.Options
	Query     string  // that must return a row
	Expect    *string // first value that Query must return; nil for any
	AtVersion string  // lowest version of the migrations; "" for any
	Source    string  // folder with migrations, the newest of which must be applied
	Table     string  // that holds the version
	Schema    string  // of that table, "" for the current one; PostgreSQL only
	NoLogin   bool    // only check that the server accepts logins, send no credentials
}

// New returns a Task with its defaults.
func New() *Task {
	return &Task{
		Options:  wait.Defaults(5 * time.Second),
		Database: database.Options{Dialects: []*database.Dialect{postgres.Dialect, mysql.Dialect, sqlite.Dialect}},
		Table:    defaultTable,
	}
}

// defaultTable is golang-migrate's.
const defaultTable = "schema_migrations"

// overlap is how many attempts may run at the same time: enough to notice the server
// while one of them hangs, too few to use up its connections.
const overlap = 4

// loginInterval is the time between attempts that log in. Each login costs the server
// milliseconds of CPU, and many pods may wait for the Job that migrates.
const loginInterval = 250 * time.Millisecond

// Flags implements [tasks.Task].
func (t *Task) Flags(fs *pflag.FlagSet) {
	t.Database.Flags(fs)
	fs.StringVar(&t.Query, "query", t.Query, "`SQL` that must return a row")
	fs.Func("expect", "`value` that the first column of the first row must have, as text", func(s string) error {
		t.Expect = &s // "" is a value as well
		return nil
	})
	fs.StringVar(&t.AtVersion, "at-version", t.AtVersion, "`number` of the migration that must have been applied, or a later one")
	fs.StringVar(&t.Source, "source", t.Source, "`folder` with migrations, the newest of which must have been applied")
	fs.StringVar(&t.Table, "table", t.Table, "`table` that holds the version of the migrations")
	fs.StringVar(&t.Schema, "schema", t.Schema, "`schema` of that table in PostgreSQL, if not the first of the search path")
	fs.BoolVar(&t.NoLogin, "no-login", t.NoLogin, "only check that the server accepts logins, without credentials")
	t.Options.PaceFlags(fs)
}

// Check implements [tasks.Task].
func (t *Task) Check() error {
	errs := []error{t.Database.Check()}
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if t.Expect != nil && t.Query == "" {
		add("--expect says what a query must return: give --query")
	}
	if t.AtVersion != "" && t.Source != "" {
		add("--at-version and --source exclude each other: one of them says which version is waited for")
	}
	if _, err := strconv.ParseUint(t.AtVersion, 10, 63); t.AtVersion != "" && err != nil {
		add("--at-version: %q is not the number of a migration", t.AtVersion)
	}
	if t.Table == "" {
		add("--table is empty: leave it out for %s", defaultTable)
	}
	if t.NoLogin && (t.Query != "" || t.AtVersion != "" || t.Source != "") {
		add("--no-login excludes --query, --at-version and --source: those need a login")
	}
	return errors.Join(errs...)
}

// Run implements [tasks.Task].
func (t *Task) Run(ctx context.Context, env *tasks.Env) error {
	target, err := t.Database.Target(ctx, env)
	if err != nil {
		return err
	}
	probe, err := t.probe(ctx, env, target)
	if err != nil {
		return err
	}
	options := t.Options.Fit(ctx)
	if t.Query != "" || t.AtVersion != "" || t.Source != "" {
		options.FastInterval = loginInterval
	}
	return options.All(ctx, env, overlap, []wait.Target{{Name: target.Name, Probe: probe}})
}

// probe returns the check that must succeed.
func (t *Task) probe(ctx context.Context, env *tasks.Env, target *database.Target) (func(context.Context) error, error) {
	version, from := t.AtVersion, "--at-version"
	if t.Source != "" {
		migrations, _, err := files.Read(ctx, t.Source, "")
		if err != nil {
			return nil, err
		}
		version, from = strconv.Itoa(migrations.Newest()), "--source "+t.Source
	}
	var checks []func(context.Context) error
	if version != "" {
		want, _ := strconv.ParseInt(version, 10, 64)
		checks = append(checks, func(ctx context.Context) error { return t.migrated(ctx, target, want, from) })
	}
	if t.Query != "" {
		checks = append(checks, func(ctx context.Context) error { return t.answers(ctx, target) })
	}
	if t.NoLogin {
		checks = append(checks, target.Greet)
	}
	if len(checks) == 0 {
		var once sync.Once
		checks = append(checks, func(ctx context.Context) error {
			a, err := target.First(ctx, "")
			if err == nil && a.Server != "" {
				once.Do(func() { env.Log.Info("logged in", "target", target.Name, "server", a.Server) })
			}
			return err
		})
	}
	return func(ctx context.Context) error {
		for _, check := range checks {
			if err := check(ctx); err != nil {
				return err
			}
		}
		return nil
	}, nil
}

// answers succeeds if the query returns what the flags expect. Its errors do not show
// what the query returned, which may be secret.
func (t *Task) answers(ctx context.Context, target *database.Target) error {
	a, err := target.First(ctx, t.Query)
	switch {
	case err != nil:
		return tasks.WithNext(fmt.Errorf("--query: %w", err), cmp.Or(tasks.NextOf(err), nextQuery))
	case !a.Rows:
		return tasks.WithNext(errors.New("--query returns no row"), nextQuery)
	case t.Expect != nil && (len(a.Value) == 0 || a.Value[0] != *t.Expect):
		return tasks.WithNext(errors.New("--query returns a row, but not the value of --expect"), nextQuery)
	}
	return nil
}

const nextQuery = "the database answers but is not as expected: look at what should bring it there"

// migrated succeeds if the migrations up to want have been applied.
func (t *Task) migrated(ctx context.Context, target *database.Target, want int64, from string) error {
	text, dirty, found, err := target.Version(ctx, t.Schema, t.Table)
	switch {
	case err != nil:
		return err
	case !found:
		return tasks.WithNext(fmt.Errorf("no migration has been applied yet (%s asks for version %d)", from, want), nextVersion)
	}
	version, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err != nil:
		return tasks.Finalf("the table %s is not golang-migrate's: its version is no number", t.Table)
	case dirty:
		return tasks.WithNext(fmt.Errorf("version %d is dirty: its migration runs, or has failed in the middle", version),
			"look at the log of the Job that migrates; initbox migrate says how to resolve a version that stays dirty")
	case version < want:
		return tasks.WithNext(fmt.Errorf("the database is at version %d, %s asks for %d", version, from, want), nextVersion)
	}
	return nil
}

const nextVersion = "look at the Job that migrates: kubectl get jobs, kubectl logs job/NAME"
