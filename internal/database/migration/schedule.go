package migration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/text"
)

// A schedule is what is to be done to a database in a known state.
type schedule struct {
	scripts *scripts
	opts    *Options
	state   State

	from     int // the version before the first file runs
	to       int // the version in the end
	jobs     []*job
	warnings []string

	migrations, seeds int // of jobs

	known  map[int]Entry // what is applied, by version
	newest int           // of the versions in the history; what is above it, another tool has applied
}

// A job is one change: what a file does and the record of it, or a record alone.
type job struct {
	verb, target string           // "apply", "3_add_users"
	file         *files.File      // nil for a record alone
	migration    *files.Migration // that file belongs to, nil for a seed
	change       Change
}

// newSchedule decides what is to be done.
func newSchedule(sc *scripts, o *Options, state State) (*schedule, error) {
	s := &schedule{scripts: sc, opts: o, state: state, from: state.Version, known: make(map[int]Entry), newest: None}
	begun, err := s.dirty()
	if err == nil {
		err = s.baseline(begun)
	}
	if err != nil {
		return nil, err
	}
	for _, e := range state.History {
		if e.Kind == Seed || e.Version > s.from { // what is above was undone by another tool
			continue
		}
		s.newest = max(s.newest, e.Version)
		if _, ok := s.known[e.Version]; !ok {
			s.known[e.Version] = e
		}
	}
	if o.DownTo != nil {
		return s, s.down(begun)
	}
	return s, s.up(begun)
}

func (s *schedule) add(j *job) {
	s.jobs = append(s.jobs, j)
	switch {
	case j.migration != nil:
		s.migrations++
	case j.file != nil:
		s.seeds++
	}
}

// jobOf returns the job to run a file of m, after which the database is at version.
func (s *schedule) jobOf(m *files.Migration, file *files.File, version int) *job {
	j := &job{verb: "apply", target: m.String(), file: file, migration: m, change: Change{Version: &version}}
	if j.down() {
		j.verb = "undo"
		j.change.Remove = []int{m.Version}
	} else {
		j.change.Add = []Entry{s.opts.entry(Applied, m.Version, file)}
	}
	return j
}

func (j *job) down() bool { return j.file == j.migration.Down }

func (o *Options) entry(kind Kind, version int, f *files.File) Entry {
	return Entry{Kind: kind, Version: version, Name: f.Name, SHA256: f.SHA256, Pod: o.Pod}
}

// record schedules a change of what is recorded, before any file runs.
func (s *schedule) record(verb, target string, c Change) {
	s.add(&job{verb: verb, target: target, change: c})
	for _, e := range c.Add {
		s.known[e.Version] = e
	}
	if c.Version != nil {
		s.from = *c.Version
	}
}

// baseline records the version that --baseline gives to a database without one.
func (s *schedule) baseline(begun *job) error {
	b := s.opts.Baseline
	if b == nil || s.from >= *b {
		return nil
	}
	if s.from != None || begun != nil {
		return fault.Finalf("--baseline %d is for a database without migrations, but this one is at version %d", *b, s.state.Version)
	}
	c := Change{Version: b}
	for _, m := range s.scripts.migrations {
		if m.Version <= *b {
			c.Add = append(c.Add, s.opts.entry(Baseline, m.Version, &m.Up))
		}
	}
	s.record("baseline", fmt.Sprintf("version %d", *b), c)
	return nil
}

// warn notes what is an error with --strict.
func (s *schedule) warn(next, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if s.opts.Strict {
		return fault.WithNext(fault.Finalf("%s (refused because of --strict)", text), next)
	}
	s.warnings = append(s.warnings, text)
	return nil
}

// up schedules the way up, and the seeds after it.
func (s *schedule) up(begun *job) error {
	at := s.from
	if begun != nil {
		at = *begun.change.Version
	}
	s.to = s.scripts.migrations.Newest()
	why := fmt.Sprintf("the newest file is version %d", s.to)
	if s.opts.To != nil {
		s.to = *s.opts.To
		why = fmt.Sprintf("--to says %d", s.to)
	}
	if begun != nil && !begun.down() && begun.migration.Version > s.to {
		return fault.WithNext(fault.Finalf("%s is half done and above version %d (--to)", begun.file.Name, s.to),
			"finish it first: run once without --to")
	}
	if at > s.to {
		return s.ahead(begun, at, why)
	}
	if s.from != None && s.scripts.migrations.Find(s.from) == nil {
		if err := s.warn("run the image that has this version, or leave out --strict", "the database is at version %d, of which there is no file", s.from); err != nil {
			return err
		}
	}
	late, err := s.compare(begun, at)
	if err != nil {
		return err
	}
	if begun != nil { // first: whatever else is recorded ends its progress
		s.add(begun)
	}
	for _, m := range late {
		s.add(s.jobOf(m, &m.Up, at))
	}
	for _, m := range s.scripts.migrations.Above(at) {
		if m.Version <= s.to {
			s.add(s.jobOf(m, &m.Up, m.Version))
		}
	}
	for _, f := range s.newSeeds() {
		s.add(&job{verb: "seed", target: f.Name, file: f, change: Change{Add: []Entry{s.opts.entry(Seed, 0, f)}}})
	}
	return nil
}

// ahead is for a database at a version above that of the files or of --to: a
// half-done file is finished. Seeds for an older schema do not belong into this one.
func (s *schedule) ahead(begun *job, at int, why string) error {
	if err := s.warn("run the image that has this version, or leave out --strict: then there is nothing to do here", "the database is ahead: it is at version %d, %s", at, why); err != nil {
		return err
	}
	if n := len(s.newSeeds()); n > 0 {
		s.warnings = append(s.warnings, fmt.Sprintf("not run because the database is ahead: %s for version %d", text.Count(n, "seed", "seeds"), s.to))
	}
	s.to = at
	if begun != nil {
		s.add(begun)
	}
	return nil
}

// compare holds the files of versions up to at against the history. It schedules
// the record of what another tool has applied, and returns the files that came late.
func (s *schedule) compare(begun *job, at int) (late files.Migrations, err error) {
	var adopted []Entry
	var names []string // of late
	for _, m := range s.scripts.migrations {
		if m.Version > at {
			break
		}
		entry, known := s.known[m.Version]
		switch {
		case begun != nil && begun.migration == m:
		case !known && m.Version > s.newest && begun == nil:
			adopted = append(adopted, s.opts.entry(Baseline, m.Version, &m.Up))
		case !known:
			late, names = append(late, m), append(names, m.Up.Name)
		case entry.SHA256 != m.Up.SHA256:
			if err := s.warn("put the file back as it was and change the schema with a new migration, or leave out --strict", "%s was changed after it had been applied: the database has what %s said then", m.Up.Name, entry.Name); err != nil {
				return nil, err
			}
		}
	}
	if len(adopted) > 0 {
		s.record("adopt", text.Count(len(adopted), "migration", "migrations")+" that another tool applied", Change{Add: adopted})
	}
	if len(late) > 0 && !s.opts.AllowOutOfOrder {
		if more := len(names) - 5; more > 0 {
			names[4] += fmt.Sprintf(" and %d more", more)
			names = names[:5]
		}
		return nil, fault.WithNext(
			fault.Finalf("out of order: %s came after version %d, which the database is at", strings.Join(names, ", "), at),
			fmt.Sprintf("give it a version above %d, or run once with --allow-out-of-order", at))
	}
	return late, nil
}

// down schedules the way down.
func (s *schedule) down(begun *job) error {
	s.to = s.scripts.downTo(s.opts)
	if s.from < s.to {
		return fault.Finalf("--down-to %d: the database is at %s, which is below", *s.opts.DownTo, versionName(s.from))
	}
	if s.from != None && s.scripts.migrations.Find(s.from) == nil {
		return fault.Finalf("the database is at version %d, of which there is no file: nothing here can undo it", s.from)
	}
	if begun != nil && (!begun.down() || s.from == s.to) {
		return fault.Finalf("%s is half done: finish it before going down", begun.file.Name)
	}
	late, err := s.compare(begun, s.from)
	if err != nil {
		return err
	}
	applied := slices.DeleteFunc(slices.Clone(s.scripts.migrations), func(m *files.Migration) bool {
		return m.Version > s.from || slices.Contains(late, m)
	})
	for i, m := range slices.Backward(applied) {
		if m.Version <= s.to {
			break
		}
		if m.Down == nil {
			return fault.Usagef("--down-to %d: there is no file that undoes %s", *s.opts.DownTo, m)
		}
		before := None
		if i > 0 {
			before = applied[i-1].Version
		}
		s.add(s.jobOf(m, m.Down, before))
	}
	return nil
}

// newSeeds returns each seed whose content was not run yet.
func (s *schedule) newSeeds() (all []*files.File) {
	for i := range s.scripts.seeds {
		f := &s.scripts.seeds[i]
		if !slices.ContainsFunc(s.state.History, func(e Entry) bool { return e.Kind == Seed && e.Name == f.Name && e.SHA256 == f.SHA256 }) {
			all = append(all, f)
		}
	}
	return all
}

func versionName(version int) string {
	if version == None {
		return "no version"
	}
	return fmt.Sprintf("version %d", version)
}
