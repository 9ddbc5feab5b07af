package text

import "strconv"

// Count returns n and the word in the right number: "1 entry", "2 entries".
func Count[N int | int64](n N, one, many string) string {
	word := many
	if n == 1 {
		word = one
	}
	return strconv.FormatInt(int64(n), 10) + " " + word
}
