package files

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testvolume"
)

func write(t *testing.T, dir string, files ...string) {
	t.Helper()
	for i := 0; i < len(files); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

func readMigrations(t *testing.T, dir string) (Migrations, error) {
	all, seeds, err := Read(t.Context(), dir, "")
	if len(seeds) > 0 {
		t.Errorf("seeds that nobody asked for: %v", seeds)
	}
	return all, err
}

// readSeeds reads them beside a migration.
func readSeeds(t *testing.T, dir string) ([]File, error) {
	beside := t.TempDir()
	write(t, beside, "1_a.up.sql", "SELECT 1")
	all, seeds, err := Read(t.Context(), beside, dir)
	if len(all) != 1 {
		t.Errorf("got %v", all)
	}
	return seeds, err
}

func TestReadMigrations(t *testing.T) {
	dir := t.TempDir()
	write(t, dir,
		"10_last.up.sql", "SELECT 10", "2_second.up.sql", "\xef\xbb\xbfSELECT 2", "2_second.down.sql", "-- nothing",
		"0001_first_one.up.sql.gz", packed("SELECT 2"), "20240102030405_.up.sql", "SELECT 3",
		"README.md", "", ".hidden.sql", "", "Makefile", "")
	all, err := readMigrations(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	got := fmt.Sprint(all)
	if want := "[1_first_one 2_second 10_last 20240102030405_]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if all[0].Up.SHA256 != all[1].Up.SHA256 || all[0].Up.SQL != "SELECT 2" || len(all[0].Up.SHA256) != 64 {
		t.Errorf("the same text has different hashes: %+v %+v", all[0].Up, all[1].Up)
	}
	if all[0].Down != nil || all[1].Down == nil || all[1].Down.Name != "2_second.down.sql" {
		t.Errorf("down: %v %v", all[0].Down, all[1].Down)
	}
	if all.Newest() != 20240102030405 || all.Find(2) != all[1] || all.Find(3) != nil || len(all.Above(2)) != 2 || len(all.Above(3)) != 2 || len(all.Above(99999999999999)) != 0 {
		t.Error("newest, find or above are wrong")
	}
}

// Every fault is named, with its file, and is a usage error.
func TestFaults(t *testing.T) {
	for name, c := range map[string]struct {
		make func(dir string) error
		want string
	}{
		"empty":            {file("1_a.up.sql", ""), "1_a.up.sql is empty"},
		"blank":            {file("1_a.up.sql", " \n\t"), "1_a.up.sql is empty"},
		"empty down":       {file("1_a.down.sql", ""), "1_a.down.sql is empty"},
		"UTF-16":           {file("1_a.up.sql", "S\x00E\x00"), "1_a.up.sql: line 1 has a NUL byte"},
		"not gzip":         {file("1_a.up.sql.gz", "SELECT 1"), "1_a.up.sql.gz: not a gzip file"},
		"cut off gzip":     {file("1_a.up.sql.gz", packed("SELECT 1")[:20]), "1_a.up.sql.gz: unexpected EOF"},
		"dangling":         {link("1_a.up.sql", "nosuch"), "1_a.up.sql: it is a link that leads nowhere"},
		"folder":           {func(dir string) error { return os.Mkdir(filepath.Join(dir, "1_a.up.sql"), 0o755) }, "1_a.up.sql: it is a directory"},
		"pipe":             {func(dir string) error { return syscall.Mkfifo(filepath.Join(dir, "1_a.up.sql"), 0o644) }, "1_a.up.sql: it is not a regular file"},
		"no direction":     {file("1_a.sql", "x"), "1_a.sql is not named as a migration"},
		"no version":       {file("a.up.sql", "x"), "a.up.sql is not named as a migration"},
		"no title":         {file("1.up.sql", "x"), "1.up.sql is not named as a migration"},
		"upper case":       {file("1_a.UP.SQL", "x"), "1_a.UP.SQL is not named as a migration"},
		"other extension":  {file("1_a.up.sq", "x"), "1_a.up.sq: the name must end in .up.sql or .up.sql.gz"},
		"number alone":     {file("3-users.txt", "x"), "3-users.txt is not named as a migration"},
		"beyond int64":     {file("9223372036854775808_a.up.sql", "x"), "9223372036854775808_a.up.sql: the version must be from 0"},
		"beyond uint64":    {file("99999999999999999999_a.up.sql", "x"), "99999999999999999999_a.up.sql: the version must be from 0"},
		"no up file":       {file("1_a.down.sql", "x"), "1_a.down.sql: there is no up file of version 1"},
		"same version":     {file("7_a.up.sql", "x", "07_b.up.sql", "x"), "7_a.up.sql: 07_b.up.sql has the same version"},
		"same version, gz": {file("7_a.up.sql", "x", "7_a.up.sql.gz", packed("x")), "7_a.up.sql.gz: 7_a.up.sql has the same version"},
		"none":             {file("README", "x"), "holds no migration"},
		"no folder":        {os.Remove, "there is no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			if err := c.make(dir); err != nil {
				t.Fatal(err)
			}
			_, err := readMigrations(t, dir)
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), dir) {
				t.Fatalf("got %v, want an error with %q and the folder", err, c.want)
			}
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("not a usage error: %v", err)
			}
		})
	}
}

func file(files ...string) func(string) error {
	return func(dir string) error {
		for i := 0; i < len(files); i += 2 {
			if err := os.WriteFile(filepath.Join(dir, files[i]), []byte(files[i+1]), 0o644); err != nil {
				return err
			}
		}
		return nil
	}
}

func link(name, to string) func(string) error {
	return func(dir string) error { return os.Symlink(to, filepath.Join(dir, name)) }
}

// All faults are told at once.
func TestAllFaults(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "1_a.up.sql", "", "2_b.sql", "x", "3_c.up.sql", "x")
	_, err := readMigrations(t, dir)
	if err == nil || !strings.Contains(err.Error(), "1_a.up.sql") || !strings.Contains(err.Error(), "2_b.sql") {
		t.Errorf("got %v", err)
	}
}

// A ConfigMap volume, as kubelet updates it: migrations and seeds are of one version.
func TestConfigMap(t *testing.T) {
	v, swaps := testvolume.Churn(t, func(n int) map[string]string {
		text := fmt.Sprint(n)
		return map[string]string{"1_a.up.sql": text, "2_b.up.sql": text, fmt.Sprintf("%d_c.up.sql", 3+n): text, "seeds/s.sql": text}
	})
	for reads := 0; swaps.Load() < 200 || reads < 50; reads++ {
		all, seeds, err := Read(t.Context(), v.Dir, v.Dir+"/seeds")
		if err != nil || len(all) != 3 || len(seeds) != 1 {
			t.Fatalf("%v, %v, %v", all, seeds, err)
		}
		for _, m := range all {
			if m.Up.SQL != seeds[0].SQL || all[2].Title != "c" || fmt.Sprint(all[2].Version-3) != m.Up.SQL {
				t.Fatalf("a mix of two versions: %+v and %+v", all[2], seeds[0])
			}
		}
	}
}

func TestReadSeeds(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "b.sql", "2", "a.sql.gz", packed("1"), "1_x.up.sql", "0", "README.md", "", ".x.sql", "")
	seeds, err := readSeeds(t, dir)
	if err != nil || len(seeds) != 3 || seeds[0].Name != "1_x.up.sql" || seeds[1].SQL != "1" || seeds[2].Name != "b.sql" {
		t.Errorf("got %+v, %v", seeds, err)
	}
	write(t, dir, "c.sql", "")
	if _, err := readSeeds(t, dir); err == nil || !strings.Contains(err.Error(), "c.sql is empty") {
		t.Errorf("got %v", err)
	}
}

// Whatever a file is called, the folder is read or refused with a usage error
// that names it, and what is read is found by its version.
func FuzzName(f *testing.F) {
	for _, name := range []string{"1_a.up.sql", "1_a.up.sql.gz", "1_a.down.sql", "1.up.sql", "00_.up.sql", "1_a.up.up.sql", "1_up.sql", ".sql", "-1_a.up.sql", "9223372036854775807_a.up.sql", "1_\xff.up.sql"} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name == "" || name == "." || name == ".." || len(name) > 200 || strings.ContainsAny(name, "/\x00") {
			return
		}
		dir := t.TempDir()
		write(t, dir, name, "SELECT 1")
		all, err := readMigrations(t, dir)
		if err != nil {
			if fault.KindOf(err) != fault.Usage {
				t.Errorf("%q: not a usage error: %v", name, err)
			}
			return
		}
		if len(all) != 1 || all[0].Up.Name != name || all[0].Version < 0 || all.Find(all[0].Version) != all[0] {
			t.Errorf("%q was read as %+v", name, all)
		}
	})
}
