// Package database says where a database is and connects to it: what migrate and
// wait-db share. [Options] are the flags, [Options.Target] makes a [Target] of
// them, and a Target connects to PostgreSQL, MySQL (and MariaDB) or SQLite.
//
// Where several sources say where the database is, this is the order:
//
//  1. --database or --database-file, one of them;
//  2. without these and without --db-driver: DATABASE_URL;
//  3. each --db-… flag replaces that part of the URL, or stands for itself
//     where there is no URL;
//  4. what is still open comes for PostgreSQL from the PG* variables, the
//     password file and libpq's defaults, for MySQL from the port 3306.
//
// Every connection goes through package dial, and [Target.Explain] puts what a
// server or driver says in words. Neither holds a password or the text of a
// statement. An error that no retry heals is permanent ([tasks.Permanent]).
package database
