package mysql

import "testing"

func TestSwaps(t *testing.T) {
	for sql, want := range map[string]bool{
		"RENAME TABLE a TO b, c TO a, b TO c":                       true,
		"RENAME TABLE `a` TO b, c TO A, b TO c":                     true,
		"RENAME TABLES IF EXISTS x.a TO b, b TO x.a":                true,
		"SET STATEMENT x=1 FOR RENAME TABLE a TO b, c TO a, b TO c": true,
		"RENAME TABLE a TO b":                                       false,
		"RENAME TABLE a TO b, c TO d":                               false,
		"RENAME TABLE a TO b, c TO a":                               false,
		"ALTER TABLE a EXCHANGE PARTITION p WITH TABLE b":           true,
		"ALTER TABLE a DROP PARTITION p":                            false,
		"CREATE TABLE a (x int COMMENT 'an EXCHANGE PARTITION')":    false,
		"RENAME":   false,
		"/*!1 */ ": false,
	} {
		if got := swaps(sql); got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}
