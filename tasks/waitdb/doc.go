// Package waitdb is the task wait-db. It waits until a database accepts logins, answers
// a query as expected, or has the migrations that this image contains.
package waitdb
