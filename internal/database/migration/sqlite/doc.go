// Package sqlite runs migrations on a SQLite file.
//
// A file of migrations is one transaction together with its version row and its
// row of the history, in every journal mode. SQLite's own lock is held from BEGIN
// IMMEDIATE to COMMIT; who finds it taken asks again until the context ends. A
// whole run has the folder of the database locked as well (flock, which the kernel
// gives up with the process), so that runs queue up. That is for order only: each
// transaction first compares the version with what was found when the run decided.
//
// PRAGMA foreign_keys does nothing inside a transaction. At the beginning of a file
// it is therefore run before the transaction, as SQLite describes it for rebuilding a
// table, and at the end it may be left out: what a file sets in its session ends with
// the file. A file that sets it must not leave more violations than it found. A BEGIN
// and COMMIT around a file is taken for ours. Foreign keys are off unless a file says
// otherwise, as SQLite and golang-migrate have it.
//
// What SQLite refuses inside a transaction, such as VACUUM and PRAGMA journal_mode,
// needs -- initbox:no-transaction in the first line of its file. Each statement
// then commits together with a row of TABLE_progress; these few, which do no harm if
// they run twice, are recorded after they ran. After a kill, what the done statements
// had set in the session is set again.
package sqlite
