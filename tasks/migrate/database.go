package migrate

import (
	"context"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/migration"
	mysqlengine "github.com/initbox/initbox/internal/database/migration/mysql"
	postgresengine "github.com/initbox/initbox/internal/database/migration/postgres"
	sqliteengine "github.com/initbox/initbox/internal/database/migration/sqlite"
	"github.com/initbox/initbox/internal/database/mysql"
	"github.com/initbox/initbox/internal/database/postgres"
	"github.com/initbox/initbox/internal/database/sqlite"
	"github.com/initbox/initbox/tasks"
)

// dialects are the databases that migrate supports. Each has a case below.
func dialects() []*database.Dialect {
	return []*database.Dialect{postgres.Dialect, mysql.Dialect, sqlite.Dialect}
}

// database returns target as the engine sees it.
func (t *Task) database(env *tasks.Env, target *database.Target) (migration.Database, error) {
	if t.Schema != "" && target.Parts.Dialect != postgres.Dialect {
		return migration.Database{}, tasks.Usagef("--schema is for PostgreSQL only")
	}
	d := migration.Database{Lost: target.Lost}
	var once func(context.Context) (migration.Driver, error)
	switch client := target.Client.(type) {
	case *postgres.Client:
		o := postgresengine.Options{Schema: t.Schema, Table: t.Table, LockTimeout: t.StatementLockTimeout}
		d.Parse, d.Repeat = postgresengine.Parse, postgresengine.Repeat
		once = func(ctx context.Context) (migration.Driver, error) {
			return postgresengine.Open(ctx, client.Connect, o)
		}
	case *mysql.Client:
		o := mysqlengine.Options{Table: t.Table, LockTimeout: t.StatementLockTimeout, Pod: target.Pod}
		d.Parse, d.Repeat = mysqlengine.Parse, mysqlengine.Repeat
		once = func(ctx context.Context) (migration.Driver, error) { return mysqlengine.Open(ctx, client.Open, o) }
	case *sqlite.Client:
		o := sqliteengine.Options{Path: client.Path, Table: t.Table}
		d.Parse, d.Repeat, d.Lost = sqliteengine.Parse, sqliteengine.Repeat, sqliteengine.Lost
		once = func(ctx context.Context) (migration.Driver, error) { return sqliteengine.Open(ctx, client.Open, o) }
	}
	d.Open = func(ctx context.Context) (migration.Driver, error) { return database.Connect(ctx, env, target, once) }
	return d, nil
}
