// Package migration brings a database to a version: the engine of the task migrate.
//
// The engine is golang-migrate's [github.com/golang-migrate/migrate/v4.Migrate]
// with drivers of our own behind it. Its database.Driver knows no context and
// sets "dirty", runs, and sets "clean" in three calls that nothing holds together,
// which is why a killed process leaves "dirty" for ever. [Driver] is the
// interface that the databases implement instead: every method takes a context,
// and Apply is the whole of one migration, so that PostgreSQL and SQLite commit it
// together with its version row. The adapter between the two lives for one run.
//
// The contract with golang-migrate's command line on the same database: the table
// schema_migrations with its one row, and the lock, are the same. What initbox
// knows beyond it is in side tables next to it: TABLE_history holds one row for
// each file that was run, TABLE_progress the statements of a file that cannot
// be run in one transaction and has begun.
package migration
