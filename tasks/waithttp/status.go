package waithttp

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A statusSet is a set of HTTP statuses.
type statusSet []statusRange

// A statusRange is the statuses from low to high.
type statusRange struct{ low, high int }

// parseStatuses reads words such as "200", "300-399" and "2xx".
func parseStatuses(words []string) (statusSet, error) {
	var (
		set  statusSet
		errs []error
	)
	for _, w := range words {
		r, err := parseStatusRange(strings.TrimSpace(w))
		if err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", w, err))
			continue
		}
		set = append(set, r)
	}
	return set, errors.Join(errs...)
}

func parseStatusRange(w string) (statusRange, error) {
	if len(w) == 3 && '1' <= w[0] && w[0] <= '9' && strings.EqualFold(w[1:], "xx") {
		low := int(w[0]-'0') * 100
		return statusRange{low, low + 99}, nil
	}
	from, to, isRange := strings.Cut(w, "-")
	if !isRange {
		to = from
	}
	low, lowOK := parseStatus(from)
	high, highOK := parseStatus(to)
	switch {
	case !lowOK || !highOK:
		return statusRange{}, errors.New("not a status: write for instance 200, 300-399 or 2xx")
	case low > high:
		return statusRange{}, fmt.Errorf("the range is the wrong way round: write %d-%d", high, low)
	}
	return statusRange{low, high}, nil
}

// parseStatus parses a number of three digits, as a status line has it.
func parseStatus(s string) (int, bool) {
	s = strings.TrimSpace(s)
	n, err := strconv.Atoi(s)
	return n, err == nil && len(s) == 3 && 100 <= n && n <= 999
}

func (set statusSet) has(status int) bool {
	return slices.ContainsFunc(set, func(r statusRange) bool { return r.low <= status && status <= r.high })
}

// overlaps returns a status that is in both sets, or 0.
func (set statusSet) overlaps(other statusSet) int {
	for _, a := range set {
		for _, b := range other {
			if low := max(a.low, b.low); low <= min(a.high, b.high) {
				return low
			}
		}
	}
	return 0
}

// String returns the set in the form that parseStatuses reads, with ", " between
// the words.
func (set statusSet) String() string {
	words := make([]string, len(set))
	for i, r := range set {
		switch {
		case r.low == r.high:
			words[i] = strconv.Itoa(r.low)
		case r.low%100 == 0 && r.high == r.low+99:
			words[i] = strconv.Itoa(r.low/100) + "xx"
		default:
			words[i] = fmt.Sprintf("%d-%d", r.low, r.high)
		}
	}
	return strings.Join(words, ", ")
}
