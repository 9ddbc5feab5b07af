package migration

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/fault"
)

// load reads and parses every file, and checks the versions that o names. Its
// errors are usage errors: nothing was touched.
func load(ctx context.Context, db Database, o Options) (*source, error) {
	s := &source{statements: make(map[string][]Statement), seeding: make(map[string][]Statement)}
	var faults []error
	var err error
	if s.migrations, s.seeds, err = files.Read(ctx, o.Source, o.Seeds); err != nil {
		faults = append(faults, err)
	}
	parse := func(into map[string][]Statement, dir string, f *files.File) {
		if f.SQL == "" {
			return // a file whose reading failed
		}
		statements, err := db.Parse(f.SQL)
		if err != nil {
			faults = append(faults, fault.Usagef("%s: %w", filepath.Join(dir, f.Name), err))
		}
		into[f.Name] = statements
	}
	for _, m := range s.migrations {
		parse(s.statements, o.Source, &m.Up)
		if m.Down != nil {
			parse(s.statements, o.Source, m.Down)
		}
	}
	for i := range s.seeds {
		parse(s.seeding, o.Seeds, &s.seeds[i])
	}
	if len(faults) == 0 {
		faults = s.checkVersions(o)
	}
	return s, errors.Join(faults...)
}

func (s *source) checkVersions(o Options) (faults []error) {
	known := func(flag string, version *int) {
		if version != nil && *version != None && s.migrations.Find(*version) == nil {
			faults = append(faults, fault.Usagef("--%s %d: %s holds no such version; its newest is %d", flag, *version, o.Source, s.migrations.Newest()))
		}
	}
	known("to", o.To)
	known("baseline", o.Baseline)
	if o.DownTo != nil && o.downTo(s) != None {
		known("down-to", o.DownTo)
	}
	return faults
}

// downTo returns the version to go down to: 0 is nothing at all unless there is
// a version 0.
func (o *Options) downTo(s *source) int {
	if *o.DownTo == 0 && s.migrations.Find(0) == nil {
		return None
	}
	return *o.DownTo
}

// before returns the version that comes before version, or None.
func (s *source) before(version int) int {
	before := None
	for _, m := range s.migrations {
		if m.Version >= version {
			break
		}
		before = m.Version
	}
	return before
}

// byName finds the migration that a file belongs to.
func (s *source) byName(name string) (m *files.Migration, down bool) {
	for _, m := range s.migrations {
		switch {
		case m.Up.Name == name:
			return m, false
		case m.Down != nil && m.Down.Name == name:
			return m, true
		}
	}
	return nil, false
}

func baselineEntry(m *files.Migration, pod string) Entry {
	return Entry{Kind: Baseline, Version: m.Version, Name: m.Up.Name, SHA256: m.Up.SHA256, Pod: pod}
}

func listVersions(migrations files.Migrations) string {
	text := ""
	for i, m := range migrations {
		switch {
		case i == 5:
			return text + fmt.Sprintf(" and %d more", len(migrations)-i)
		case i > 0:
			text += ", "
		}
		text += m.Up.Name
	}
	return text
}
