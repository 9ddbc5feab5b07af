// Package sqlsplit splits scripts into statements, as the command-line clients of
// PostgreSQL, MySQL (and MariaDB) and SQLite do.
//
// A statement begins with its first token and ends with its last, so that neither
// the comments around it nor the separator after it are part of it. It is a part
// of the text it was found in: nothing is copied, and 20 MB take a fraction of a second.
//
// Known are quotes in all their forms, comments, dollar quoting, executable
// comments, the DELIMITER of the mysql client and the bodies of stored programs.
// A text that ends inside one of these is an error with the line where it began.
// So is a command that only an interactive client knows, such as \copy.
//
// Two things cannot be seen from the text and are taken to be as they are by
// default: standard_conforming_strings of PostgreSQL is on, NO_BACKSLASH_ESCAPES
// of MySQL is off. A stored program of MySQL that is not told apart without
// DELIMITER, such as one whose body is a bare FOR loop, needs DELIMITER.
package sqlsplit
