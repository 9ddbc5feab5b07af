// Package flags has the types of flags that tasks share. A type refuses a bad value
// with an error that says what to write instead. The caller adds the flag, variable
// or line that the value is from.
package flags

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// Duration binds p to a flag that takes a Go duration ("1m30s") or plain
// seconds ("90", "0.5"). Values below least are refused.
func Duration(fs *pflag.FlagSet, p *time.Duration, name string, least time.Duration, usage string) {
	fs.Var(&duration{p, least}, name, usage)
}

type duration struct {
	p     *time.Duration
	least time.Duration
}

func (d *duration) Type() string   { return "duration" }
func (d *duration) String() string { return FormatDuration(*d.p) }

func (d *duration) Set(s string) error {
	v, err := parseDuration(s)
	if err != nil {
		return err
	}
	if v < d.least {
		return fmt.Errorf("%s is too short: it must be at least %s", FormatDuration(v), FormatDuration(d.least))
	}
	*d.p = v
	return nil
}

// parseDuration reads a Go duration or plain seconds.
func parseDuration(s string) (time.Duration, error) {
	s = strings.TrimSpace(s)
	if v, err := time.ParseDuration(s); err == nil {
		return v, nil
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(seconds) || strings.ContainsAny(s, "xXpP_") {
		return 0, errors.New(`not a duration: write for instance "30s", "5m", "1h30m" or plain seconds`)
	}
	if math.Abs(seconds) > math.MaxInt64/float64(time.Second) {
		return 0, errors.New("the duration is out of range")
	}
	return time.Duration(seconds * float64(time.Second)), nil
}

// FormatDuration is d.String without zero units at the end: "5m", not "5m0s".
func FormatDuration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// Int binds p to a flag that takes a whole number from least to most.
func Int(fs *pflag.FlagSet, p *int, name string, least, most int, usage string) {
	fs.Var(&integer{p, least, most}, name, usage)
}

type integer struct {
	p           *int
	least, most int
}

func (i *integer) Type() string   { return "int" }
func (i *integer) String() string { return strconv.Itoa(*i.p) }

func (i *integer) Set(s string) error {
	v, err := strconv.Atoi(strings.TrimSpace(s))
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return fmt.Errorf("not a whole number from %d to %d", i.least, i.most)
	case err != nil || v < i.least || v > i.most:
		return fmt.Errorf("out of range: it must be from %d to %d", i.least, i.most)
	}
	*i.p = v
	return nil
}

// Enum binds p to a flag that takes one of values.
func Enum(fs *pflag.FlagSet, p *string, name string, values []string, usage string) {
	fs.Var(&enum{p, values}, name, usage)
}

type enum struct {
	p      *string
	values []string
}

func (e *enum) Type() string     { return strings.Join(e.values, "|") }
func (e *enum) String() string   { return *e.p }
func (e *enum) Values() []string { return e.values }

func (e *enum) Set(s string) error {
	if !slices.Contains(e.values, s) {
		return fmt.Errorf("it must be one of %s", strings.Join(e.values, ", "))
	}
	*e.p = s
	return nil
}

// An EnvValue is the value of a flag that can also come from a variable with a name of
// its own, such as DATABASE_URL. The command line calls UseEnv before it checks the
// task, whether the flag was given or not.
type EnvValue interface {
	pflag.Value
	UseEnv(lookup func(name string) (value string, found bool))
}

// Secret marks flags of fs whose values are never printed, not even in the error
// that refuses one.
func Secret(fs *pflag.FlagSet, names ...string) {
	for _, name := range names {
		fs.Lookup(name).Annotations = map[string][]string{secretKey: nil}
	}
}

const secretKey = "secret"

// IsSecret reports whether f was marked with [Secret].
func IsSecret(f *pflag.Flag) bool {
	_, ok := f.Annotations[secretKey]
	return ok
}
