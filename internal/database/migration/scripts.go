package migration

import (
	"errors"
	"path/filepath"

	"github.com/initbox/initbox/internal/database/migration/files"
	"github.com/initbox/initbox/internal/fault"
)

// scripts are the files of --source and --seeds, read and parsed.
type scripts struct {
	migrations files.Migrations
	seeds      []files.File
	statements map[string][]Statement // by SHA256 of the file
}

// load reads and parses every file, and checks the versions that o names. Its
// errors are usage errors: nothing was touched.
func load(db Database, o *Options) (*scripts, error) {
	s := &scripts{statements: make(map[string][]Statement)}
	var faults [3]error
	s.migrations, faults[0] = files.ReadMigrations(o.Source)
	if o.Seeds != "" {
		s.seeds, faults[1] = files.ReadSeeds(o.Seeds)
	}
	faults[2] = s.parse(db, o)
	if err := errors.Join(faults[:]...); err != nil {
		return nil, err
	}
	return s, s.checkVersions(o)
}

func (s *scripts) parse(db Database, o *Options) error {
	var faults []error
	parse := func(dir string, f *files.File) {
		if f == nil || f.SQL == "" { // there is none, or it could not be read
			return
		}
		statements, err := db.Parse(f.SQL)
		if err != nil {
			faults = append(faults, fault.Usagef("%s: %w", filepath.Join(dir, f.Name), err))
		}
		s.statements[f.SHA256] = statements
	}
	for _, m := range s.migrations {
		parse(o.Source, &m.Up)
		parse(o.Source, m.Down)
	}
	for i := range s.seeds {
		parse(o.Seeds, &s.seeds[i])
	}
	return errors.Join(faults...)
}

func (s *scripts) checkVersions(o *Options) error {
	var faults []error
	known := func(flag string, version *int) {
		if version != nil && *version != None && s.migrations.Find(*version) == nil {
			faults = append(faults, fault.Usagef("--%s %d: %s holds no such version; its newest is %d", flag, *version, o.Source, s.migrations.Newest()))
		}
	}
	known("to", o.To)
	known("baseline", o.Baseline)
	if o.DownTo != nil && s.downTo(o) != None {
		known("down-to", o.DownTo)
	}
	return errors.Join(faults...)
}

// downTo returns the version to go down to: 0 is nothing at all unless there is
// a version 0.
func (s *scripts) downTo(o *Options) int {
	if *o.DownTo == 0 && s.migrations.Find(0) == nil {
		return None
	}
	return *o.DownTo
}

// before returns the version that comes before version, or None.
func (s *scripts) before(version int) int {
	before := None
	for _, m := range s.migrations {
		if m.Version < version {
			before = m.Version
		}
	}
	return before
}

// byName finds a file, up or down, and the migration that it belongs to.
func (s *scripts) byName(name string) (*files.Migration, *files.File) {
	for _, m := range s.migrations {
		switch {
		case m.Up.Name == name:
			return m, &m.Up
		case m.Down != nil && m.Down.Name == name:
			return m, m.Down
		}
	}
	return nil, nil
}
