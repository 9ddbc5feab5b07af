// Package mysql runs migrations on MySQL and MariaDB. DDL commits by itself there,
// so that a file cannot be one transaction. Instead the version is dirty while a
// file is half done, as golang-migrate has it, and TABLE_progress says how far it is:
// row 0 names the file, row n is statement n with its hash.
//
// # A run that was killed
//
// The next run gives one of three verdicts about the statement that was under way.
// Not done: a statement that does not commit shares a transaction with its row, so
// that a kill leaves neither; it runs again. Done, or not done: DDL commits a row
// that says "begun" before it does anything, with a hash of SHOW CREATE of what it is
// about; it took effect as a whole or not at all, so it was done if the hash is
// another one now. Unknown: a CALL, or another statement of many, has committed in
// its middle; or one was begun whose effect the hash cannot show, as a RENAME that
// swaps tables. Then the run ends with exit code 3. Its message says what to look at
// in the database, how to record what was found, and how to leave the rest of the
// file out with --resolve-dirty.
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
// works on the session: SET, USE, PREPARE, SELECT INTO a variable. If one would find
// another value now, as SET @id = LAST_INSERT_ID(), and a statement that is still to
// be done needs it, the run ends with exit code 3. What information_schema says may
// change: it is how files find out what is still to be done. That a trigger needs a
// variable, nobody can see.
//
// # The end of a context
//
// KILL QUERY on a second connection ends the running statement, and its end is
// waited for. A server that does not know that its client is gone runs a statement
// to its end; the lock is the session's, so that nobody else starts meanwhile.
package mysql
