// Package migrate is the task migrate. It applies the migrations that the image
// contains to a database, once, however many pods start at the same time.
package migrate
