package migrate

import (
	"context"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/migration"
	"github.com/initbox/initbox/internal/database/migration/mysql"
	"github.com/initbox/initbox/internal/database/migration/postgres"
	"github.com/initbox/initbox/internal/database/migration/sqlite"
	"github.com/initbox/initbox/tasks"
)

// database returns the way to target for the engine.
func (t *Task) database(env *tasks.Env, target *database.Target) (migration.Database, error) {
	if t.Schema != "" && target.Driver != database.Postgres {
		return migration.Database{}, tasks.Usagef("--schema is for PostgreSQL only")
	}
	d := migration.Database{Lost: database.Lost}
	var once func(context.Context) (migration.Driver, error)
	switch target.Driver {
	case database.Postgres:
		o := postgres.Options{Schema: t.Schema, Table: t.Table, LockTimeout: t.StatementLockTimeout}
		d.Parse, d.Repeat = postgres.Parse, postgres.Repeat
		once = func(ctx context.Context) (migration.Driver, error) { return postgres.Open(ctx, target.Postgres, o) }
	case database.MySQL:
		o := mysql.Options{Table: t.Table, LockTimeout: t.StatementLockTimeout, Pod: target.Pod}
		d.Parse, d.Repeat = mysql.Parse, mysql.Repeat
		once = func(ctx context.Context) (migration.Driver, error) { return mysql.Open(ctx, target.MySQL, o) }
	case database.SQLite:
		o := sqlite.Options{Path: target.Path, Table: t.Table}
		d.Parse, d.Repeat, d.Lost = sqlite.Parse, sqlite.Repeat, sqlite.Lost
		once = func(ctx context.Context) (migration.Driver, error) { return sqlite.Open(ctx, target.SQLite, o) }
	}
	d.Open = func(ctx context.Context) (migration.Driver, error) { return database.Connect(ctx, env, target, once) }
	return d, nil
}
