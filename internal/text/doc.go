// Package text formats text for log lines and errors: counts with the right
// word, and text from outside on one line of limited length.
package text
