// Package postgres runs migrations on PostgreSQL.
//
// A file is one transaction together with its version row and its row of the
// history, all sent in one round trip. A file that cannot be one, because it has
// a statement that PostgreSQL refuses inside a transaction, begins and commits by
// itself, or says -- initbox:no-transaction in its first line, is cut into units
// that commit on their own: each of them together with its rows of progress where
// PostgreSQL allows it, and where not (CREATE INDEX CONCURRENTLY, VACUUM) between a
// row "begun" and a row "done", so that a later run knows what to look at. With that
// comment, a statement that is not known to be refused is tried in a transaction first:
// one that fails there, before any COMMIT of its own, has left nothing behind. A
// unit that ends with ROLLBACK leaves nothing either, and just runs again.
package postgres
