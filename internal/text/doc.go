// Package text has what several packages say in the same words: how many there
// are of something, and text from outside on one bounded line.
package text
