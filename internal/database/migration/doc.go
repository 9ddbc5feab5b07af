// Package migration brings a database to a version: the engine of the task migrate.
//
// # How a run goes
//
// [Run] connects, and meanwhile reads and parses every file (scripts.go): a fault in
// one of them ends the run before anything is touched. It asks the Driver for the
// State, which is version and history, and decides what is to be done (schedule.go,
// dirty.go). Where that is nothing, the run is over: one query, no lock. Else it
// takes the lock (lock.go), reads and decides again, and does the jobs of its
// schedule one after the other. Each job is one change: a file to run, with what is
// recorded of it, or a record alone, such as a baseline. In the end it reads the
// version once more. If the connection is lost, all this begins anew with what the
// database then knows.
//
// # What is recorded
//
// golang-migrate's command line may work on the same database: its table
// schema_migrations, whose one row holds the version, and its lock are used. Two side
// tables are ours. TABLE_history has a row for each file that was run, or that
// was found to have been. TABLE_progress has the statements that are done of a file
// that is not one transaction; as long as such a file is half done, the version is
// dirty. Package records makes the statements that write all three.
//
// # What a kill leaves
//
// On PostgreSQL and SQLite a file commits together with its record: a kill leaves
// all of it or nothing. Where a file is not one transaction, each statement commits
// together with a row of progress, and the next run goes on after the last row.
// The exceptions are few. PostgreSQL: a statement that is refused in a transaction
// runs between two records. The next run looks whether an index is there, runs
// VACUUM and its like again, and ends with exit code 3 for a DO or CALL that may have
// committed in its middle: nobody can know. SQLite: VACUUM and some PRAGMAs are
// recorded after they ran, and may run twice. MySQL: see package mysql.
package migration
