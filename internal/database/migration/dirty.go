package migration

import (
	"fmt"
	"slices"

	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/fault"
)

// dirty decides about a dirty version. It returns the job that an earlier run of
// ours began and that is to be finished, if there is one.
func (s *schedule) dirty() (begun *job, err error) {
	switch {
	case !s.state.Dirty:
		return nil, nil // also with --resolve-dirty: that was done before
	case s.opts.Resolve != nil:
		return nil, s.resolve(s.opts.Resolve)
	case s.state.Unfinished == "":
		return nil, s.leftDirty()
	}
	m, file := s.scripts.byName(s.state.Unfinished)
	if m == nil {
		return nil, fault.WithNext(fault.Finalf("%s is half done, and %s does not hold it", s.state.Unfinished, s.opts.Source),
			"run the image that has this file, or finish by hand and give "+resolveFlag(s.state.Version))
	}
	begun = s.jobOf(m, file, s.state.Version)
	switch {
	case begun.down():
		s.from = m.Version
	case m.Version == s.state.Version: // or else it came late, and the version was not changed by it
		s.from = s.scripts.before(m.Version)
	}
	return begun, nil
}

// resolve records what somebody found out about the dirty version, or about the
// one above it that another tool was undoing.
func (s *schedule) resolve(r *Resolution) error {
	undone := s.undone()
	if r.Version != s.from && !(r.Applied && undone != nil && r.Version == undone.Version) {
		return fault.Finalf("--resolve-dirty names version %d, but dirty is version %d", r.Version, s.from)
	}
	if !r.Applied {
		before := s.scripts.before(r.Version)
		s.record("resolve dirty", fmt.Sprintf("version %d as not applied", r.Version), Change{Version: &before, Remove: []int{r.Version}})
		return nil
	}
	c := Change{Version: &r.Version}
	if m := s.scripts.migrations.Find(r.Version); m != nil && (r.Version == s.from || !s.recorded(r.Version)) {
		c.Add = []Entry{s.opts.entry(Baseline, r.Version, &m.Up)}
	}
	s.record("resolve dirty", fmt.Sprintf("version %d as applied", r.Version), c)
	return nil
}

// undone returns what another tool may have been undoing when it left a version
// dirty, or nil: golang-migrate marks the version that it goes down to.
func (s *schedule) undone() *files.Migration {
	above := s.scripts.migrations.Above(s.state.Version)
	if s.state.Unfinished != "" || len(above) == 0 {
		return nil
	}
	if s.state.Version == None || s.recorded(above[0].Version) { // nothing goes up to None
		return above[0]
	}
	return nil
}

// recorded tells whether the history has a version, also one that was undone since.
func (s *schedule) recorded(version int) bool {
	return slices.ContainsFunc(s.state.History, func(e Entry) bool { return e.Kind != Seed && e.Version == version })
}

// leftDirty words that another tool left the version dirty, and the ways out.
func (s *schedule) leftDirty() error {
	undone := s.undone()
	file := "a file that is not in " + s.opts.Source
	if m := s.scripts.migrations.Find(s.from); m != nil {
		file = m.Up.Name
	}
	began, next := "another tool began it", resolveFlag(s.from)
	switch {
	case s.from == None: // the first migration is above it
		file, began = "no migration", fmt.Sprintf("another tool was on its way down from %s", undone)
		next += fmt.Sprintf(", or --resolve-dirty %d=applied if all of %s is there still", undone.Version, undone)
	case undone != nil:
		began += fmt.Sprintf(" or was on its way down from %s", undone)
		next += fmt.Sprintf("; on its way down, with --resolve-dirty %d=applied if all of %s is there still, or --resolve-dirty %d=applied if nothing of that is", undone.Version, undone, s.from)
	}
	return fault.WithNext(fault.Finalf("version %d (%s) is dirty: %s and did not say how it ended", s.from, file, began),
		"look at what of it is in the database, then run initbox migrate once with "+next)
}

func resolveFlag(version int) string {
	if version == None {
		return "--resolve-dirty -1=applied if nothing is there"
	}
	return fmt.Sprintf("--resolve-dirty %d=applied if all of it is there, or --resolve-dirty %[1]d=not-applied if nothing is", version)
}
