package postgres

import "testing"

// Whatever may change the session makes the next file set it up again: without
// lock_timeout its statements would wait, and all others behind them.
func TestAltersSession(t *testing.T) {
	for sql, want := range map[string]bool{
		"SET search_path = x":                     true,
		"set session authorization x":             true,
		"RESET ALL":                               true,
		"reset lock_timeout":                      true,
		"SELECT set_config('a.b', 'c', false)":    true,
		"DO 'BEGIN RESET ALL; END'":               true,
		"CALL p()":                                true,
		"SET LOCAL search_path = x":               false,
		"SET CONSTRAINTS ALL DEFERRED":            false,
		"DISCARD PLANS":                           false,
		"UPDATE t SET reset = 1":                  false,
		"ALTER TABLE t ALTER x SET STATISTICS 10": false,
	} {
		statements, err := Parse(sql)
		if err != nil {
			t.Fatal(err)
		}
		if got := altersSession(statements); got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}
