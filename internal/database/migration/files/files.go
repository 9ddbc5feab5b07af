package files

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/golang-migrate/migrate/v4/source"

	"github.com/initbox/initbox/internal/fault"
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

// ReadMigrations reads all migrations of dir.
func ReadMigrations(dir string) (Migrations, error) {
	var all Migrations
	err := snapshot(dir, func(real string) (err error) {
		all, err = readMigrations(dir, real)
		return err
	})
	if err == nil && len(all) == 0 {
		err = fault.WithNext(fault.Usagef("%s holds no migration", dir),
			"check what is mounted there (volumeMounts; kubectl describe configmap), and that files are named VERSION_title.up.sql, as in 1_create_users.up.sql")
	}
	return all, err
}

// ReadSeeds reads all files of dir that end in .sql or .sql.gz, by name.
func ReadSeeds(dir string) ([]File, error) {
	var all []File
	err := snapshot(dir, func(real string) error {
		all = nil
		entries, err := os.ReadDir(real)
		if err != nil {
			return err
		}
		var faults []error
		for _, e := range entries {
			if !isSQL(e.Name()) || hidden(e.Name()) {
				continue
			}
			f, err := read(dir, real, e.Name())
			faults = append(faults, err)
			all = append(all, f)
		}
		return errors.Join(faults...)
	})
	return all, err
}

func readMigrations(dir, real string) (Migrations, error) {
	entries, err := os.ReadDir(real)
	if err != nil {
		return nil, err
	}
	s := scan{dir: dir, real: real, versions: make(map[int]*Migration), names: make(map[slot]string)}
	for _, e := range entries {
		if err := s.add(e.Name()); err != nil {
			s.faults = append(s.faults, err)
		}
	}
	return s.result()
}

// A scan collects the files of one folder.
type scan struct {
	dir, real string
	versions  map[int]*Migration
	names     map[slot]string // to name both files of a duplicate
	faults    []error
}

// A slot is what there may be one file for.
type slot struct {
	version   int
	direction source.Direction
}

func (s *scan) add(name string) error {
	if hidden(name) {
		return nil
	}
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
	f, err := read(s.dir, s.real, name)
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

func hidden(name string) bool { return strings.HasPrefix(name, ".") }

func isSQL(name string) bool {
	lower := strings.ToLower(name)
	return strings.HasSuffix(lower, ".sql") || strings.HasSuffix(lower, ".sql.gz")
}

// snapshot calls read with the folder that dir's files are in, which for a
// ConfigMap or Secret volume is what ..data points to: kubelet updates it by
// turning that link and then deletes what it pointed to. So what was read counts
// only if the link is as it was; else files may have been missed.
func snapshot(dir string, read func(real string) error) error {
	for {
		real, err := resolve(dir)
		if err != nil {
			return folderFault(dir, err)
		}
		err = read(real)
		if now, e := resolve(dir); e == nil && now != real {
			continue
		}
		if err != nil {
			return folderFault(dir, err)
		}
		return nil
	}
}

func resolve(dir string) (string, error) {
	real, err := filepath.EvalSymlinks(filepath.Join(dir, "..data"))
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	return real, err
}

// folderFault keeps the faults of files and words those of the folder itself.
func folderFault(dir string, err error) error {
	if fault.KindOf(err) == fault.Usage {
		return err
	}
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return fault.WithNext(fault.Usagef("%s: %w", dir, err), "check the path, and that the container's volumeMounts mount the migrations there")
}
