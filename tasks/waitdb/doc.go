// Package waitdb is the task wait-db: wait until a database takes logins, answers
// a query as expected, or has the migrations that this image carries.
package waitdb
