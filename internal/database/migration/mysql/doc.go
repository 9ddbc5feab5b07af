// Package mysql runs migrations on MySQL and MariaDB.
//
// DDL commits by itself there, so that a file cannot be one transaction. Instead
// the version row is dirty while a file is half done, as golang-migrate has it, and
// TABLE_progress holds what of the file is done: row 0 names the file, row n is
// statement n with its hash. A later run finds these rows, runs again what only
// lives in a session (SET, USE, PREPARE), and goes on behind the last statement
// that was done. Of variables and prepared statements it makes only those that are
// needed there. One that would have another value now, such as SET @id =
// LAST_INSERT_ID(), ends the run with an error. What is asked of information_schema
// is asked again: it is how files find out what is still to be done. That a trigger
// needs a variable, nobody can see.
//
// # One statement
//
// A statement that is known not to commit by itself (INSERT, UPDATE, SELECT) shares
// a transaction with the row that says that it is done: a kill leaves neither.
// INSERTs of VALUES, which are known to be quick, share one with their like around
// them for a tenth of a second: a file may have many thousands. Any other runs
// between two writes of its row, in one transaction:
//
//	START TRANSACTION
//	REPLACE INTO TABLE_progress: statement n is begun, with a fingerprint
//	the statement
//	UPDATE TABLE_progress: statement n is done
//	COMMIT
//
// That the file begins (the dirty version, row 0) is recorded in the transaction of
// its first statement, and that it ends (the history, the clean version, no
// progress) in that of its last one, if that does not commit by itself, or else in
// one behind it. So a file of one INSERT or UPDATE is one transaction, and one of
// one CREATE TABLE is as many as golang-migrate has. What is recorded at one time
// is one round trip on MariaDB, a compound statement; MySQL has none.
//
// If the statement does not commit, it is thereby done and recorded at the same
// moment; after a crash there is no row and nothing of it is left. One that does,
// commits the first write first, before it does anything. So whoever finds a
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
// TRANSACTION would give up these locks at once. Nor is a COMMIT or ROLLBACK that no
// BEGIN is before, as behind SET autocommit = 0: what is before it has been committed
// statement by statement, so that there is nothing for it to end. Tables without transactions
// (MyISAM) cannot be kept in step: what a killed run did to them in its last moment
// is done again.
//
// # The end of a context
//
// KILL QUERY on a second connection ends the running statement, and its end is
// waited for. A server that does not know that its client is gone runs a statement
// to its end; the lock is the session's, so that nobody else starts meanwhile.
package mysql
