// Package mysql runs migrations on MySQL and MariaDB.
//
// DDL commits by itself there, so that a file cannot be one transaction. Instead
// the version row is dirty while a file runs, as golang-migrate has it, and
// TABLE_progress holds what of the file is done: row 0 names the file, row n is
// statement n with its hash. A later run finds these rows, runs again what only
// lives in a session (SET, USE, PREPARE), and goes on behind the last statement
// that was done.
//
// # One statement
//
// Each statement runs between two writes of its row, in one transaction:
//
//	START TRANSACTION
//	REPLACE INTO TABLE_progress: statement n is begun, with a fingerprint
//	the statement
//	UPDATE TABLE_progress: statement n is done
//	COMMIT
//
// An INSERT of VALUES, which is known to be quick and not to commit by itself, has
// no first write, and shares a transaction with its like around it for a tenth of a
// second: a file may have many thousands.
//
// A statement that does not commit by itself is thereby done and recorded at the
// same moment; after a crash there is no row and nothing of it is left. One that
// does, commits the first write first, before it does anything. So whoever finds a
// row that is begun but not done knows that the run ended after that implicit
// commit and before the COMMIT, with the statement's effect there or not. A
// statement of DDL either took effect as a whole or not at all, so the
// fingerprint decides: it is a hash of SHOW CREATE TABLE, and its like for
// programs, of everything that exists by a name that the statement has in it. If it
// has changed the statement was done; if it has not, to run the statement again
// does no harm. (Of CREATE USER and the like the fingerprint sees nothing: that is
// run again, and fails if it was done. Write IF NOT EXISTS.)
//
// Where that does not decide, the run ends with an error that says so: a CALL or a
// compound statement that committed in its middle, a RENAME TABLE that swaps, an
// EXCHANGE PARTITION. That takes a kill in the milliseconds around the statement's
// own commits.
//
// A transaction of the file's own, from BEGIN to COMMIT, is left as it is, with the
// rows of its statements in it. LOCK TABLES and UNLOCK TABLES are not run: START
// TRANSACTION would give up these locks at once. Tables without transactions
// (MyISAM) cannot be kept in step: what a killed run did to them in its last moment
// is done again.
//
// # The end of a context
//
// KILL QUERY on a second connection ends the running statement, and its end is
// waited for. A server that does not know that its client is gone runs a statement
// to its end; the lock is the session's, so that nobody else starts meanwhile.
package mysql
