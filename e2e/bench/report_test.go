package main

import "testing"

func TestPercentile(t *testing.T) {
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i
	}
	for _, tt := range []struct {
		values  []int
		p, want int
	}{
		{hundred, 1, 1}, {hundred, 50, 50}, {hundred, 99, 99}, {hundred, 100, 100},
		{[]int{7}, 50, 7}, {[]int{3, 1, 2}, 50, 2}, {[]int{3, 1, 2}, 99, 3},
	} {
		if got := percentile(tt.values, tt.p); got != tt.want {
			t.Errorf("p%d of %d values = %d, want %d", tt.p, len(tt.values), got, tt.want)
		}
	}
}
