// Package plural says how many there are of something.
package plural

import "strconv"

// Of returns n with the word for one, or for none or many.
func Of[N int | int64](n N, one, many string) string {
	word := many
	if n == 1 {
		word = one
	}
	return strconv.FormatInt(int64(n), 10) + " " + word
}
