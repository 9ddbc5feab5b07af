// Package files reads migrations and seeds from folders.
//
// A migration is named as golang-migrate names it, VERSION_title.up.sql with an
// optional VERSION_title.down.sql, both also as .sql.gz. Everything is read,
// unpacked and hashed before the caller sees any of it, so that a folder with
// one bad file is refused as a whole, and what runs later is what was checked.
//
// Every fault is a usage error that names the file.
package files
