package cli

import "strings"

// nearest returns the candidate that s was probably meant to be, or "" if none
// is near: at most two edits, or one in a short word.
func nearest(s string, candidates []string) string {
	best, limit := "", 3
	if len(s) < 5 {
		limit = 2
	}
	for _, c := range candidates {
		if d := distance(s, c); d < limit {
			best, limit = c, d
		}
	}
	if best == "" && len(s) >= 3 {
		best = startsWith(s, candidates)
	}
	return best
}

// startsWith returns the only candidate that begins with s, or "".
func startsWith(s string, candidates []string) string {
	found := ""
	for _, c := range candidates {
		if strings.HasPrefix(c, s) {
			if found != "" {
				return ""
			}
			found = c
		}
	}
	return found
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
