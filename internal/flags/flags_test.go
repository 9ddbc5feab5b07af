package flags

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

func TestDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "90": 90 * time.Second, "0.5": 500 * time.Millisecond,
		"1h30m": 90 * time.Minute, " 5m ": 5 * time.Minute, "1e2": 100 * time.Second,
	} {
		got := time.Second
		if err := set(t, "d", in, func(fs *pflag.FlagSet) { Duration(fs, &got, "d", 0, "") }); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"5x": "not a duration", "": "not a duration", "0x10": "not a duration", "NaN": "not a duration",
		"-1": "at least 1ms", "0": "at least 1ms", "1e300": "out of range", "+Inf": "out of range",
	} {
		got := time.Second
		err := set(t, "d", in, func(fs *pflag.FlagSet) { Duration(fs, &got, "d", time.Millisecond, "") })
		if err == nil || !strings.Contains(err.Error(), want) || got != time.Second {
			t.Errorf("%q: got %v, %v; want an error with %q", in, got, err, want)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for in, want := range map[time.Duration]string{
		0: "0s", 5 * time.Minute: "5m", 2 * time.Hour: "2h", 90 * time.Second: "1m30s",
		time.Hour + time.Second: "1h0m1s", 10 * time.Second: "10s", 10 * time.Minute: "10m",
	} {
		if got := FormatDuration(in); got != want {
			t.Errorf("%d: got %q, want %q", in, got, want)
		}
	}
}

func TestIntAndEnum(t *testing.T) {
	n, e := 1, "a"
	define := func(fs *pflag.FlagSet) {
		Int(fs, &n, "n", 1, 9, "")
		Enum(fs, &e, "e", []string{"a", "b"}, "")
	}
	for _, c := range []struct{ flag, in, want string }{
		{"n", "0", "from 1 to 9"}, {"n", "x", "not a whole number"},
		{"n", "99999999999999999999", "out of range"}, {"e", "c", "one of a, b"},
	} {
		if err := set(t, c.flag, c.in, define); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("--%s %q: got %v, want an error with %q", c.flag, c.in, err, c.want)
		}
	}
	if err := set(t, "n", "9", define); err != nil || n != 9 {
		t.Errorf("got %d, %v", n, err)
	}
	if err := set(t, "e", "b", define); err != nil || e != "b" {
		t.Errorf("got %q, %v", e, err)
	}
}

func set(t *testing.T, name, value string, define func(*pflag.FlagSet)) error {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	fs.SetOutput(io.Discard)
	define(fs)
	return fs.Set(name, value)
}
