package migrate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/database/migration"
)

// longestTable is the longest name that both PostgreSQL and MySQL accept with a suffix.
const longestTable = 63 - len("_progress")

// Check implements [tasks.Task].
func (t *Task) Check() error {
	_, err := t.options()
	errs := []error{t.Options.Check(), err}
	fault := func(is bool, format string, args ...any) {
		if is {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	fault(t.Source == "", "no --source: name the folder of the migrations")
	fault(t.Table == "" || len(t.Table) > longestTable, "--table %q: it must have from 1 to %d characters", t.Table, longestTable)
	fault(t.DownTo != "" && !t.AllowDown, "--down-to may destroy data: give --allow-down as well if that is meant")
	fault(t.DownTo == "" && t.AllowDown, "--allow-down does nothing without --down-to")
	for _, other := range []struct{ flag, value string }{
		{"to", t.To}, {"baseline", t.Baseline}, {"seeds", t.Seeds},
	} {
		fault(t.DownTo != "" && other.value != "", "--down-to and --%s exclude each other", other.flag)
	}
	fault(t.Baseline != "" && t.Resolve != "", "--baseline and --resolve-dirty exclude each other")
	return errors.Join(errs...)
}

// options returns what the flags ask for.
func (t *Task) options() (migration.Options, error) {
	o := migration.Options{
		Source: t.Source, Seeds: t.Seeds, LockTimeout: t.LockTimeout, Strict: t.Strict, AllowOutOfOrder: t.AllowOutOfOrder,
	}
	var errs []error
	version := func(flag, text string) *int {
		if text == "" {
			return nil
		}
		v, err := parseVersion(text)
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s %q: %w", flag, text, err))
		}
		return &v
	}
	o.To, o.DownTo, o.Baseline = version("to", t.To), version("down-to", t.DownTo), version("baseline", t.Baseline)
	if t.Resolve != "" {
		text, how, _ := strings.Cut(t.Resolve, "=")
		v, err := parseVersion(text)
		if text == "-1" && how == "applied" { // golang-migrate's, while it goes down from the first version
			v, err = migration.None, nil
		}
		if err != nil || how != "applied" && how != "not-applied" {
			errs = append(errs, fmt.Errorf("--resolve-dirty %q: write VERSION=applied or VERSION=not-applied", t.Resolve))
		}
		o.Resolve = &migration.Resolution{Version: v, Applied: how == "applied"}
	}
	return o, errors.Join(errs...)
}

func parseVersion(text string) (int, error) {
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil || v < 0 {
		return 0, errors.New("a version is the number that the names of its files begin with")
	}
	return int(v), nil
}
