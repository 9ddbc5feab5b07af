// Package migrate is the task migrate: it brings a database to the version that
// the image carries, once, however many pods start at the same time.
package migrate
