package migration

import (
	"context"
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
func load(ctx context.Context, db Database, o *Options) (*scripts, error) {
	migrations, seeds, err := files.Read(ctx, o.Source, o.Seeds)
	faults := []error{err}
	s := &scripts{migrations: migrations, seeds: seeds, statements: make(map[string][]Statement)}
	for _, m := range migrations {
		faults = append(faults, s.parse(db, o.Source, &m.Up), s.parse(db, o.Source, m.Down))
	}
	for i := range s.seeds {
		faults = append(faults, s.parse(db, o.Seeds, &s.seeds[i]))
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return s, s.checkVersions(o)
}

func (s *scripts) parse(db Database, dir string, f *files.File) (err error) {
	if f == nil || f.SQL == "" { // there is none, or it could not be read
		return nil
	}
	if s.statements[f.SHA256], err = db.Parse(f.SQL); err != nil {
		return fault.Usagef("%s: %w", filepath.Join(dir, f.Name), err)
	}
	return nil
}

func (s *scripts) checkVersions(o *Options) error {
	var faults []error
	known := func(flag string, version *int) {
		if version != nil && s.migrations.Find(*version) == nil {
			faults = append(faults, fault.Usagef("--%s %d: %s holds no such version; its newest is %d", flag, *version, o.Source, s.migrations.Newest()))
		}
	}
	known("to", o.To)
	known("baseline", o.Baseline)
	if o.DownTo != nil && *o.DownTo != 0 {
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
	from := s.migrations.Above(version - 1)
	return s.migrations[:len(s.migrations)-len(from)].Newest()
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
