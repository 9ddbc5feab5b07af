// Package database says where a database is and connects to it: what migrate and
// wait-db share. [Options] are the flags, and [Options.Target] makes a [Target] of
// them. What differs between databases is a [Dialect], one folder below this one
// for each; a task lists the dialects that it knows.
//
// Where several sources say where the database is, this is the order:
//
//  1. --database or --database-file, one of them;
//  2. without these and without --db-driver: DATABASE_URL;
//  3. each --db-… flag replaces that part of the URL, or stands for itself
//     where there is no URL;
//  4. what is still open comes from the dialect's defaults: for PostgreSQL from
//     the PG* variables, the password file and libpq, for MySQL the port 3306.
//
// Every connection goes through package dial, and [Target.Explain] puts what a
// server or driver says in words. Neither holds a password or the text of a
// statement. An error that no retry heals is permanent ([fault.Permanent]).
package database
