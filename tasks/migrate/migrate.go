package migrate

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

// Spec is the task migrate.
var Spec = tasks.Spec{
	Name:  "migrate",
	Group: "database",
	Doc: `bring a database to the newest migration

The files in --source are named as golang-migrate names them,
VERSION_title.up.sql with an optional VERSION_title.down.sql, also packed as
.sql.gz. The task reads and checks all of them before anything runs, and waits
for the database. If the database is already at the newest version, that takes
one query and no lock. Any number of pods may start at the same time: one works,
the others wait for its lock and then find nothing to do. The golang-migrate
command line may work on the same database, since the task uses its table and
its lock. The next run writes what that tool applied into the history.

On PostgreSQL and SQLite each file is one transaction together with its version,
so that a pod that is killed leaves nothing half done. On PostgreSQL a file is
not one transaction if it has a statement that PostgreSQL refuses there, such as
CREATE INDEX CONCURRENTLY, has its own BEGIN and COMMIT, or has
-- initbox:no-transaction in its first line. For such a file, and on MySQL for
every file, the task records each statement, and the next run goes on where the
last one ended. On MySQL the next run stops if it needs a value that only the
session of the last run had, for instance from SET @id = LAST_INSERT_ID().

A statement waits at most --statement-lock-timeout for a lock of a table, since
the application's queries queue up behind it. After that the file is rolled back
and tried again a little later, until the deadline.

TABLE_history, next to the version table, records what ran, when, and in which
pod. It shows a file that was changed after it had been applied, a file that came
late, below the version of the database, and a database that is ahead of the
files. Files in --seeds run after the migrations, and again only when their
content changes.

The task never clears a version that another tool left dirty on its own: look at
the database, then say with --resolve-dirty what state it is in. To go down,
--down-to needs --allow-down as well, because it destroys data.`,
	Timeout: 10 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "the URL in a file of a Secret", Command: "initbox migrate --database-file /secrets/url --source /migrations"},
		{Doc: "no URL, so that no character of the password needs escaping", Command: "initbox migrate --db-driver postgres --db-host db --db-user app --db-password-file /secrets/password --db-name app --source /migrations"},
		{Doc: "a database that has the schema of version 12 already", Command: "initbox migrate --database-file /secrets/url --source /migrations --baseline 12"},
		{Doc: "what would run", Command: "initbox migrate --dry-run --database-file /secrets/url --source /migrations --seeds /seeds"},
		{Doc: "a file in a volume", Command: "initbox migrate --database sqlite:///data/app.db --source /migrations"},
	},
	Needs: tasks.Needs{Mounts: []string{"the files that flags name: URL or password, CA; read-only", "the migrations, read-only, unless they are in the image", "the directory of a SQLite file, writable"}},
	Container: `args: [migrate, --database-file=/secrets/url, --source=/migrations, --timeout=15m]
volumeMounts:
  - {name: database, mountPath: /secrets, readOnly: true}
  - {name: migrations, mountPath: /migrations, readOnly: true}   # a ConfigMap, or part of your own image`,
	New: func() tasks.Task { return New() },
}

// A Task migrates one database.
type Task struct {
	database.Options
	Source string // folder of the migrations
	Seeds  string // folder of the seeds, "" for none
	Table  string // golang-migrate's table
	Schema string // of the tables, PostgreSQL only; "" for the current one

	To        string // version, "" for the newest
	DownTo    string // version, 0 for nothing at all
	AllowDown bool
	Baseline  string // version
	Resolve   string // VERSION=applied or VERSION=not-applied

	LockTimeout          time.Duration // 0 for the rest of the deadline
	StatementLockTimeout time.Duration // 0 for none
	Strict               bool
	AllowOutOfOrder      bool
}

// New returns a Task with its defaults.
func New() *Task {
	return &Task{Options: database.Options{Dialects: dialects()}, Table: "schema_migrations", StatementLockTimeout: 2 * time.Second}
}

// Flags implements [tasks.Task].
func (t *Task) Flags(fs *pflag.FlagSet) {
	t.Options.Flags(fs)
	fs.StringVar(&t.Source, "source", t.Source, "`folder` of the migrations")
	fs.StringVar(&t.Seeds, "seeds", t.Seeds, "`folder` of SQL files to run after the migrations, by name, again only when its content changes")
	fs.StringVar(&t.Table, "table", t.Table, "`name` of the table that holds the version; the history is in NAME_history")
	fs.StringVar(&t.Schema, "schema", t.Schema, "`schema` of these tables (PostgreSQL); the default is the first one of the search_path")

	fs.StringVar(&t.To, "to", t.To, "`version` to go up to, instead of the newest")
	fs.StringVar(&t.DownTo, "down-to", t.DownTo, "`version` to go down to, 0 to undo everything; needs --allow-down")
	fs.BoolVar(&t.AllowDown, "allow-down", t.AllowDown, "allow --down-to, which may destroy data")
	fs.StringVar(&t.Baseline, "baseline", t.Baseline, "`version` whose schema the database already has, if it has no version yet: later ones run")
	fs.StringVar(&t.Resolve, "resolve-dirty", t.Resolve, "`VERSION=applied` or VERSION=not-applied: the state of the version that another tool left dirty")

	flags.Duration(fs, &t.LockTimeout, "lock-timeout", 0, "how long to wait while another run works; 0 for what is left of --timeout")
	flags.Duration(fs, &t.StatementLockTimeout, "statement-lock-timeout", 0, "how long a statement waits for the lock of a table before the file is rolled back and tried again; 0 for no bound")
	fs.BoolVar(&t.Strict, "strict", t.Strict, "fail if a file was changed after it had been applied, or the database is ahead of the files; otherwise that is a warning")
	fs.BoolVar(&t.AllowOutOfOrder, "allow-out-of-order", t.AllowOutOfOrder, "apply files that came late, below the version of the database; otherwise they are an error")
}

// Run implements [tasks.Task].
func (t *Task) Run(ctx context.Context, env *tasks.Env) error {
	env.ListAll = true
	o, err := t.options()
	if err != nil {
		return &tasks.Error{Kind: tasks.Usage, Err: err}
	}
	target, err := t.Target(ctx, env)
	if err != nil {
		return err
	}
	db, err := t.database(env, target)
	if err != nil {
		return err
	}
	o.Pod = target.Pod
	return about(target, migration.Run(ctx, env, db, o))
}

// about adds the name of the database to err, and a next step if the engine gives none.
// It leaves errors in the files alone, since they are not about the database.
func about(target *database.Target, err error) error {
	if err == nil || tasks.KindOf(err) == tasks.Usage {
		return err
	}
	verdict, _ := target.Verdict(err)
	next := cmp.Or(tasks.NextOf(err), verdict.Next)
	if !strings.HasPrefix(err.Error(), target.Name+": ") { // an error of the wait for the database has it already
		err = fmt.Errorf("%s: %w", target.Name, err)
	}
	if next == "" {
		return err
	}
	return tasks.WithNext(err, next)
}
