package files

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/golang-migrate/migrate/v4/source"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// None is the version of a database without migrations, as golang-migrate counts.
const None = -1

// A File is one file of SQL.
type File struct {
	Name   string // without the folder: "3_add_users.up.sql"
	SQL    string // unpacked, without a byte order mark
	SHA256 string // of SQL, in hex
}

// A Migration is one version.
type Migration struct {
	Version int
	Title   string // "add_users"
	Up      File
	Down    *File // nil if there is none
}

// String is how a migration is named in a log: "3_add_users".
func (m *Migration) String() string { return fmt.Sprintf("%d_%s", m.Version, m.Title) }

// Migrations are those of one folder, by version.
type Migrations []*Migration

// Newest returns the highest version, or None.
func (m Migrations) Newest() int {
	if len(m) == 0 {
		return None
	}
	return m[len(m)-1].Version
}

// Find returns the migration of a version, or nil.
func (m Migrations) Find(version int) *Migration {
	if i, found := slices.BinarySearchFunc(m, version, compareVersion); found {
		return m[i]
	}
	return nil
}

// Above returns the migrations with a higher version.
func (m Migrations) Above(version int) Migrations {
	i, found := slices.BinarySearchFunc(m, version, compareVersion)
	if found {
		i++
	}
	return m[i:]
}

func compareVersion(m *Migration, version int) int { return cmp.Compare(m.Version, version) }

// Read reads the migrations of dir and, unless seeds is "", the seeds of that
// folder: its files that end in .sql or .sql.gz, by name. What comes from one
// volume is of one version. With an error, a File that could not be read is empty.
func Read(ctx context.Context, dir, seeds string) (migrations Migrations, more []File, err error) {
	limit := largest(limitFiles)
	err = mount.OneVersion(ctx, func(files *mount.Reader) error {
		var faults [2]error
		migrations, faults[0] = folder{files, dir, limit}.migrations()
		if seeds != "" {
			more, faults[1] = folder{files, seeds, limit}.seeds()
		}
		return errors.Join(faults[:]...)
	})
	return migrations, more, err
}

func (f folder) migrations() (Migrations, error) {
	names, err := f.list()
	if err != nil {
		return nil, err
	}
	s := scan{folder: f, versions: make(map[int]*Migration), names: make(map[slot]string)}
	for _, name := range names {
		if err := s.add(name); err != nil {
			s.faults = append(s.faults, err)
		}
	}
	all, err := s.result()
	if err == nil && len(all) == 0 {
		err = fault.WithNext(fault.Usagef("%s holds no migration", f.dir),
			"check what is mounted there (volumeMounts; kubectl describe configmap), and that files are named VERSION_title.up.sql, as in 1_create_users.up.sql")
	}
	return all, err
}

func (f folder) seeds() (all []File, err error) {
	names, err := f.list()
	faults := []error{err}
	for _, name := range names {
		if isSQL(name) {
			file, err := f.read(name)
			faults = append(faults, err)
			all = append(all, file)
		}
	}
	return all, errors.Join(faults...)
}

// A scan collects the files of one folder.
type scan struct {
	folder
	versions map[int]*Migration
	names    map[slot]string // to name both files of a duplicate
	faults   []error
}

// A slot is what there may be one file for.
type slot struct {
	version   int
	direction source.Direction
}

func (s *scan) add(name string) error {
	parsed, err := source.Parse(name)
	path := filepath.Join(s.dir, name)
	switch {
	case err != nil && !isSQL(name) && (name[0] < '0' || name[0] > '9'):
		return nil // a README, a Makefile
	case errors.Is(err, source.ErrParse):
		return fault.WithNext(fault.Usagef("%s is not named as a migration", path), "name it VERSION_title.up.sql or VERSION_title.down.sql, as in 3_add_users.up.sql")
	case err != nil || parsed.Version > math.MaxInt64:
		return fault.Usagef("%s: the version must be from 0 to %d", path, math.MaxInt64)
	case parsed.Raw != fileName(parsed, ".sql") && parsed.Raw != fileName(parsed, ".sql.gz"):
		return fault.Usagef("%s: the name must end in .%s.sql or .%[2]s.sql.gz", path, parsed.Direction)
	}
	version := int(parsed.Version)
	place := slot{version, parsed.Direction}
	if other, ok := s.names[place]; ok {
		return fault.WithNext(fault.Usagef("%s: %s has the same version and direction", path, other), "give the one that was not applied anywhere yet another version")
	}
	s.names[place] = name
	f, err := s.read(name)
	if err != nil {
		return err
	}
	m := s.versions[version]
	if m == nil {
		m = &Migration{Version: version, Title: parsed.Identifier}
		s.versions[version] = m
	}
	if parsed.Direction == source.Up {
		m.Title, m.Up = parsed.Identifier, f
	} else {
		m.Down = &f
	}
	return nil
}

// fileName is the name that parsed should have come from. It is what it did come
// from unless the extension is another: golang-migrate takes any.
func fileName(parsed *source.Migration, extension string) string {
	version, _, _ := strings.Cut(parsed.Raw, "_")
	return version + "_" + parsed.Identifier + "." + string(parsed.Direction) + extension
}

func (s *scan) result() (Migrations, error) {
	all := make(Migrations, 0, len(s.versions))
	for _, m := range s.versions {
		if s.names[slot{m.Version, source.Up}] == "" {
			s.faults = append(s.faults, fault.Usagef("%s: there is no up file of version %d: add one or remove this file", filepath.Join(s.dir, m.Down.Name), m.Version))
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *Migration) int { return cmp.Compare(a.Version, b.Version) })
	return all, errors.Join(s.faults...)
}

func isSQL(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, ".sql") || strings.HasSuffix(lower, ".sql.gz")
}
