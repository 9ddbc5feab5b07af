// Package mysql runs migrations on MySQL and MariaDB. DDL commits by itself there,
// so that a file cannot be one transaction. Instead the version is dirty while a
// file is half done, as golang-migrate has it, and TABLE_progress says how far it is:
// row 0 names the file, row n is statement n with its hash.
//
// # A run that was killed
//
// The next run goes on after the last statement that is recorded as done. About the
// one that was under way it gives one of three verdicts.
//
//   - Not done: it runs again. A statement that does not commit shares a transaction
//     with its row, so that a kill leaves neither. DDL commits a row that says "begun"
//     before it does anything, with a hash of SHOW CREATE of what it is about, and then
//     takes effect as a whole or not at all: it was not done if the hash is the same.
//   - Done: the hash is another one now.
//   - Unknown: nothing in the database tells. A CALL, or what else is of several
//     statements, has committed in its middle, or the hash cannot show what was done, as
//     of a RENAME that swaps tables. The run ends with exit code 3. Its message says
//     what to look at, how to record what was found so that the next run goes on, and how
//     to finish by hand instead (--resolve-dirty).
//
// Kinds of statements are in kind.go, what runs together in apply.go, what is recorded
// of it in progress.go, the verdict in resume.go, and the hash in definition.go.
//
// # What is recorded when
//
//	START TRANSACTION            START TRANSACTION
//	INSERT, UPDATE, ...          row n: begun, with the hash
//	row n: done                  CREATE, ALTER, CALL, EXECUTE, ...
//	COMMIT                       row n: done
//	                             COMMIT
//
// INSERTs of VALUES share a transaction for a tenth of a second: a file may have many
// thousands. A transaction of the file, from BEGIN to COMMIT or ROLLBACK, is one unit
// with one row "begun", which only a statement that commits in its middle leaves
// behind. That the file begins is recorded in its first transaction, and that it was
// done in the last one. On MariaDB what is recorded at one time is one round trip.
//
// DDL that SHOW CREATE does not know, as CREATE USER, runs again, and fails if it was
// done: write IF NOT EXISTS. EXECUTE may be about anything in the database, so that
// all of it is hashed. DROP of several tables is done when all are gone. LOCK TABLES
// is not run, since START TRANSACTION would end it at once, nor is COMMIT or ROLLBACK
// without BEGIN: it has nothing to end. Tables without transactions (MyISAM) cannot
// be kept in step: what a killed run did to them in its last moment is done again.
//
// # What a session has
//
// The next run has a session of its own. There it runs again what is done and only
// works on the session: SET, USE, PREPARE, SELECT INTO a variable (session.go; use.go
// tells what a statement reads and writes there). If one would find another value now,
// as SET @id = LAST_INSERT_ID(), and a statement that is still to be done needs it, the
// run ends with exit code 3. What information_schema says may change: it is how files
// find out what is still to be done. That a trigger needs a variable, nobody can see.
//
// # The end of a context
//
// KILL QUERY on a second connection ends the running statement, and its end is
// waited for. A server that does not know that its client is gone runs a statement
// to its end; the lock is the session's, so that nobody else starts meanwhile.
package mysql
