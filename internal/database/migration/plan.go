package migration

import (
	"fmt"
	"slices"

	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/text"
)

// A plan is what is to be done to a database in a known state.
type plan struct {
	source *source
	opts   *Options
	state  State

	current  int  // the version that the database is at once fix was made
	target   int  // the version that it is to be at in the end
	fix      *fix // recorded before anything runs: a baseline, a resolution
	steps    []step
	seeds    []files.File
	adopted  []Entry // migrations that another tool applied, recorded before anything runs
	warnings []string

	history map[int]Entry // by version, of what is applied
}

// A fix is a change of what is recorded that runs nothing.
type fix struct {
	verb, target string
	change       Change
}

// A step is one file to run.
type step struct {
	migration *files.Migration
	file      *files.File
	down      bool
	version   int // that the database is at afterwards
}

func (p *plan) empty() bool {
	return p.fix == nil && len(p.adopted) == 0 && len(p.steps) == 0 && len(p.seeds) == 0
}

func newPlan(s *source, o *Options, state State) (*plan, error) {
	p := &plan{source: s, opts: o, state: state, current: state.Version}
	unfinished, err := p.settleDirty()
	if err != nil {
		return nil, err
	}
	if err := p.settleBaseline(unfinished); err != nil {
		return nil, err
	}
	p.readHistory()
	if o.DownTo != nil {
		err = p.down(unfinished)
	} else {
		err = p.up(unfinished)
	}
	if err == nil && len(p.steps) == 0 && p.current != p.target {
		err = fmt.Errorf("no file leads from %s to %s", versionName(p.current), versionName(p.target))
	}
	return p, err
}

// settleDirty decides about a dirty version. It returns the step that an earlier
// run began and did not end, if there is one.
func (p *plan) settleDirty() (*step, error) {
	r, undone := p.opts.Resolve, p.undone()
	switch {
	case !p.state.Dirty:
		return nil, nil // also with a resolution: it was made before
	case r != nil && r.Version == p.current:
		p.resolve(r)
		return nil, nil
	case r != nil && r.Applied && undone != nil && r.Version == undone.Version:
		p.resolve(r)
		return nil, nil
	case r != nil:
		return nil, fault.Finalf("--resolve-dirty names version %d, but dirty is version %d", r.Version, p.current)
	case p.state.Unfinished == "":
		return nil, p.dirty(undone)
	}
	m, down := p.source.byName(p.state.Unfinished)
	if m == nil {
		return nil, fault.WithNext(fault.Finalf("%s is half done, and %s does not hold it", p.state.Unfinished, p.opts.Source),
			"run the image that has this file, or finish by hand and give "+resolveFlag(p.current))
	}
	if down {
		p.current = m.Version
		return &step{migration: m, file: m.Down, down: true, version: p.state.Version}, nil
	}
	if m.Version == p.state.Version { // or else it is one that is out of order
		p.current = p.source.before(m.Version)
	}
	return &step{migration: m, file: &m.Up, version: p.state.Version}, nil
}

// undone returns what another tool may have been undoing when it left a version
// dirty, or nil: golang-migrate marks the version that it goes down to.
func (p *plan) undone() *files.Migration {
	above := p.source.migrations.Above(p.state.Version)
	if p.state.Unfinished != "" || len(above) == 0 {
		return nil
	}
	if p.state.Version == None || p.recorded(above[0].Version) { // nothing goes up to None
		return above[0]
	}
	return nil
}

// recorded tells whether the history has a version, also one that was undone since.
func (p *plan) recorded(version int) bool {
	return slices.ContainsFunc(p.state.History, func(e Entry) bool { return e.Kind != Seed && e.Version == version })
}

func (p *plan) dirty(undone *files.Migration) error {
	file := "a file that is not in " + p.opts.Source
	if m := p.source.migrations.Find(p.current); m != nil {
		file = m.Up.Name
	}
	began, next := "another tool began it", resolveFlag(p.current)
	switch {
	case p.current == None:
		file, began = "no migration", fmt.Sprintf("another tool was on its way down from %s", undone)
		next += fmt.Sprintf(", or --resolve-dirty %d=applied if all of %s is there still", undone.Version, undone)
	case undone != nil:
		began += fmt.Sprintf(" or was on its way down from %s", undone)
		next += fmt.Sprintf("; on its way down, with --resolve-dirty %d=applied if all of %s is there still, or --resolve-dirty %d=applied if nothing of that is", undone.Version, undone, p.current)
	}
	return fault.WithNext(fault.Finalf("version %d (%s) is dirty: %s and did not say how it ended", p.current, file, began),
		"look at what of it is in the database, then run initbox migrate once with "+next)
}

func resolveFlag(version int) string {
	if version == None {
		return "--resolve-dirty -1=applied if nothing is there"
	}
	return fmt.Sprintf("--resolve-dirty %d=applied if all of it is there, or --resolve-dirty %[1]d=not-applied if nothing is", version)
}

func (p *plan) resolve(r *Resolution) {
	f := &fix{verb: "resolve dirty", target: fmt.Sprintf("version %d", r.Version)}
	version := r.Version
	m := p.source.migrations.Find(version)
	switch {
	case !r.Applied:
		version = p.source.before(version)
		f.target += " as not applied"
		f.change.Remove = []int{r.Version}
	default:
		f.target += " as applied"
		if m != nil && (version == p.current || !p.recorded(version)) {
			f.change.Add = []Entry{baselineEntry(m, p.opts.Pod)}
		}
	}
	f.change.Version = &version
	p.fix, p.current = f, version
}

func (p *plan) settleBaseline(unfinished *step) error {
	switch b := p.opts.Baseline; {
	case b == nil || p.current >= *b:
		return nil
	case p.current != None || unfinished != nil:
		return fault.Finalf("--baseline %d is for a database without migrations, but this one is at version %d", *b, p.state.Version)
	default:
		f := &fix{verb: "baseline", target: fmt.Sprintf("version %d", *b), change: Change{Version: b}}
		for _, m := range p.source.migrations {
			if m.Version <= *b {
				f.change.Add = append(f.change.Add, baselineEntry(m, p.opts.Pod))
			}
		}
		p.fix, p.current = f, *b
		return nil
	}
}

// readHistory finds what of the history counts: what is above the current
// version was undone by another tool.
func (p *plan) readHistory() {
	p.history = make(map[int]Entry)
	entries := p.state.History
	if p.fix != nil {
		entries = slices.Concat(entries, p.fix.change.Add)
	}
	for _, e := range entries {
		if e.Kind != Seed && e.Version <= p.current {
			p.history[e.Version] = e
		}
	}
}

// warn notes what is an error with --strict.
func (p *plan) warn(next, format string, args ...any) error {
	text := fmt.Sprintf(format, args...)
	if p.opts.Strict {
		return fault.WithNext(fault.Finalf("%s (refused because of --strict)", text), next)
	}
	p.warnings = append(p.warnings, text)
	return nil
}

// up plans the way up, and the seeds behind it.
func (p *plan) up(unfinished *step) error {
	at := p.current
	if unfinished != nil {
		at = unfinished.version
	}
	p.target = p.source.migrations.Newest()
	newest := fmt.Sprintf("the newest file is version %d", p.target)
	if p.opts.To != nil {
		p.target = *p.opts.To
		newest = fmt.Sprintf("--to says %d", p.target)
	}
	if unfinished != nil && !unfinished.down && unfinished.migration.Version > p.target {
		return fault.WithNext(fault.Finalf("%s is half done and above version %d (--to)", unfinished.file.Name, p.target),
			"finish it first: run once without --to")
	}
	if at > p.target {
		return p.ahead(unfinished, at, newest)
	}
	if p.current != None && p.source.migrations.Find(p.current) == nil {
		if err := p.warn("run the image that has this version, or leave out --strict", "the database is at version %d, of which there is no file", p.current); err != nil {
			return err
		}
	}
	late, err := p.compare(unfinished, at)
	if err != nil {
		return err
	}
	if unfinished != nil { // first: what else is recorded ends its progress
		p.steps = append(p.steps, *unfinished)
	}
	for _, m := range late {
		p.steps = append(p.steps, step{migration: m, file: &m.Up, version: at})
	}
	for _, m := range p.source.migrations.Above(at) {
		if m.Version <= p.target {
			p.steps = append(p.steps, step{migration: m, file: &m.Up, version: m.Version})
		}
	}
	p.planSeeds()
	return nil
}

// ahead plans for a database at a version above the target: a half-done file is
// finished. Seeds for an older schema do not belong into this one.
func (p *plan) ahead(unfinished *step, at int, newest string) error {
	if err := p.warn("run the image that has this version, or leave out --strict: then there is nothing to do here", "the database is ahead: it is at version %d, %s", at, newest); err != nil {
		return err
	}
	p.planSeeds()
	if n := len(p.seeds); n > 0 {
		p.seeds = nil
		p.warnings = append(p.warnings, fmt.Sprintf("not run because the database is ahead: %s for version %d", text.Count(n, "seed", "seeds"), p.target))
	}
	p.target = at
	if unfinished != nil {
		p.steps = append(p.steps, *unfinished)
	}
	return nil
}

// compare holds the files of versions up to at against the history. It returns
// those that came late.
func (p *plan) compare(unfinished *step, at int) (files.Migrations, error) {
	newest := None // that the history knows; what is above it, another tool has applied
	for _, e := range p.state.History {
		if e.Kind != Seed && e.Version <= p.current {
			newest = max(newest, e.Version)
		}
	}
	var late files.Migrations
	for _, m := range p.source.migrations {
		if m.Version > at {
			break
		}
		entry, known := p.history[m.Version]
		switch {
		case unfinished != nil && unfinished.migration == m:
		case !known && m.Version > newest && unfinished == nil:
			p.adopted = append(p.adopted, baselineEntry(m, p.opts.Pod))
		case !known:
			late = append(late, m)
		case entry.SHA256 != m.Up.SHA256:
			if err := p.warn("put the file back as it was and change the schema with a new migration, or leave out --strict", "%s was changed after it had been applied: the database has what %s said then", m.Up.Name, entry.Name); err != nil {
				return nil, err
			}
		}
	}
	if len(late) > 0 && !p.opts.AllowOutOfOrder {
		return nil, fault.WithNext(
			fault.Finalf("out of order: %s came after version %d, which the database is at", listVersions(late), at),
			fmt.Sprintf("give it a version above %d, or run once with --allow-out-of-order", at))
	}
	return late, nil
}

// down plans the way down.
func (p *plan) down(unfinished *step) error {
	p.target = p.opts.downTo(p.source)
	if p.current < p.target {
		return fault.Finalf("--down-to %d: the database is at %s, which is below", *p.opts.DownTo, versionName(p.current))
	}
	if p.current != None && p.source.migrations.Find(p.current) == nil {
		return fault.Finalf("the database is at version %d, of which there is no file: nothing here can undo it", p.current)
	}
	if unfinished != nil && !unfinished.down {
		return fault.Finalf("%s is half done: finish it before going down", unfinished.file.Name)
	}
	late, err := p.compare(unfinished, p.current)
	if err != nil {
		return err
	}
	applied := slices.DeleteFunc(slices.Clone(p.source.migrations), func(m *files.Migration) bool {
		return m.Version > p.current || slices.Contains(late, m)
	})
	for i, m := range slices.Backward(applied) {
		if m.Version <= p.target {
			break
		}
		if m.Down == nil {
			return fault.Usagef("--down-to %d: there is no file that undoes %s", *p.opts.DownTo, m)
		}
		before := None
		if i > 0 {
			before = applied[i-1].Version
		}
		p.steps = append(p.steps, step{migration: m, file: m.Down, down: true, version: before})
	}
	return nil
}

// planSeeds adds each seed whose content was not run yet.
func (p *plan) planSeeds() {
	ran := make(map[string]string)
	for _, e := range p.state.History {
		if e.Kind == Seed {
			ran[e.Name] = e.SHA256
		}
	}
	for _, f := range p.source.seeds {
		if ran[f.Name] != f.SHA256 {
			p.seeds = append(p.seeds, f)
		}
	}
}
