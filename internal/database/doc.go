// Package database finds a database and connects to it. Migrate and wait-db share it.
// [Options] are the flags, and [Options.Target] makes a [Target] from them. A [Dialect]
// holds what differs between databases. Each has a folder below this one, and a task
// lists the dialects that it supports.
//
// The location of the database comes from these sources, in this order:
//
//  1. --database or --database-file, one of them;
//  2. without these and without --db-driver: DATABASE_URL;
//  3. each --db-… flag replaces its part of the URL, or gives that part if there is
//     no URL;
//  4. the dialect's defaults give the rest: for PostgreSQL the PG* variables, the
//     password file and libpq, for MySQL the port 3306.
//
// Package dial opens every connection. [Target.Explain] explains the errors of servers
// and drivers, without passwords and without the text of statements. An error that no
// retry can fix is permanent ([fault.Permanent]).
package database
