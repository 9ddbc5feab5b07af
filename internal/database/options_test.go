package database_test

import (
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/database/mysql"
	"github.com/initbox/initbox/internal/database/sqlite"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/internal/testkit/testdialect"
)

func lookup(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// If several sources say where the database is, the order in the package
// documentation decides.
func TestPrecedence(t *testing.T) {
	env := lookup(map[string]string{"DATABASE_URL": "postgres://env@env:1/env"})
	file := testdialect.SecretFile(t, "postgres://file:filesecret@file:2/file\n")
	for _, c := range []struct {
		o    database.Options
		want string
	}{
		{database.Options{}, "postgres://env:1/env as env"},
		{database.Options{URL: "mysql://flag@flag/flag"}, "mysql://flag:3306/flag as flag"},
		{database.Options{URLFile: file}, "postgres://file:2/file as file"},
		{database.Options{Host: "host", User: "u", Name: "n"}, "postgres://host:1/n as u"},
		{database.Options{Port: 9}, "postgres://env:9/env as env"},
		{database.Options{URLFile: file, Host: "host"}, "postgres://host:2/file as file"},
		{database.Options{Driver: "mysql", Host: "h"}, "mysql://h:3306"},
		{database.Options{Driver: "sqlite", Name: "/x"}, "sqlite:///x"},
		{database.Options{Driver: "postgres", URL: "postgres://a@b:3/c"}, "postgres://b:3/c as a"},
		{database.Options{Driver: "postgres", Host: "::1", Port: 5, User: "u", Name: "n"}, "postgres://[::1]:5/n as u"},
		{database.Options{URL: "mysql://a@unix(/run/my.sock)/c"}, "mysql:///run/my.sock/c as a"},
	} {
		c.o.LookupEnv = env
		target, _ := kit.Target(t, c.o, "filesecret")
		name := strings.Replace(target.Name, ":5432", "", 1)
		if name != c.want {
			t.Errorf("%+v: got %s, want %s", c.o, name, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		o    database.Options
		want []string
	}{
		{database.Options{}, []string{"no database: give --database-file or DATABASE_URL"}},
		{database.Options{Host: "db"}, []string{"no database"}},
		{database.Options{URL: "a", URLFile: "b", Password: "x", PasswordFile: "y", Cert: "z"}, []string{
			"--database and --database-file exclude each other", "--db-password and --db-password-file exclude each other", "--db-cert and --db-key belong together", "--database: it is not a URL"}},
		{database.Options{LookupEnv: lookup(map[string]string{"DATABASE_URL": "x"})}, []string{"DATABASE_URL: it is not a URL"}},
		{database.Options{URL: "mysql://h/x", Driver: "postgres"}, []string{"--database is a URL of mysql, but --db-driver says postgres"}},
		{database.Options{Driver: "postgres", Params: []string{"hidden"}}, []string{"--db-param is not NAME=VALUE"}},
		{database.Options{Driver: "postgres", Host: "a b"}, []string{"host of the database"}},
		{database.Options{Driver: "mysql"}, []string{"no host for MySQL"}},
		{database.Options{Driver: "sqlite"}, []string{"no file for SQLite"}},
		{database.Options{Driver: "sqlite", Name: "x", Host: "y"}, []string{"SQLite has no host"}},
		{database.Options{Driver: "postgres", Host: "h", Password: "hidden\x00"}, []string{"NUL"}},
	} {
		err := kit.Options(c.o).Check()
		for _, want := range c.want {
			if err == nil || strings.Count(err.Error(), want) != 1 || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%+v: got %v, want %q", c.o, err, want)
			}
		}
	}
}

// A task accepts the databases that it supports, and lists them if it gets another.
func TestDialects(t *testing.T) {
	few := testdialect.Kit{mysql.Dialect, sqlite.Dialect}
	for _, c := range []struct {
		kit  testdialect.Kit
		o    database.Options
		want string
	}{
		{few, database.Options{URL: "postgres://h/x"}, "--database: the scheme is unknown: write mysql:// or sqlite:///PATH"},
		{few, database.Options{URL: "x"}, "--database: it is not a URL: write mysql://USER@HOST:PORT/NAME or sqlite:///PATH"},
		{few, database.Options{Driver: "postgres", Host: "h"}, "no database"},
		{kit, database.Options{URL: "x"}, "write postgres://USER@HOST:PORT/NAME, mysql://USER@HOST:PORT/NAME or sqlite:///PATH"},
		{testdialect.Kit{sqlite.Dialect}, database.Options{URL: "x"}, "write sqlite:///PATH"},
	} {
		if err := c.kit.Options(c.o).Check(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: got %v, want %q", c.o, err, c.want)
		}
	}
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	few.Options(database.Options{}).Flags(fs)
	if err := fs.Parse([]string{"--db-driver=postgres"}); err == nil || !strings.Contains(err.Error(), "it must be one of mysql, sqlite") {
		t.Errorf("--db-driver: %v", err)
	}
}

// Errors that only show in a file or in the driver are usage errors as well.
func TestTargetRefuses(t *testing.T) {
	env := testdialect.Env()
	for _, c := range []struct {
		o    database.Options
		want string
	}{
		{database.Options{URLFile: "/nosuch/url"}, "--database-file /nosuch/url: there is no such file"},
		{database.Options{URLFile: testdialect.SecretFile(t, "hidden")}, "it is not a URL"},
		{database.Options{Driver: "postgres", Host: "h", PasswordFile: testdialect.SecretFile(t, "")}, "it is empty"},
		{database.Options{Driver: "postgres", Host: "h", PasswordFile: testdialect.SecretFile(t, "hidden\nhidden")}, "more than one line"},
		{database.Options{URL: "postgres://a@b/c?x-migrations-table=t"}, "give --table instead"},
		{database.Options{URL: "postgres://a:hidden@b/c?target_session_attrs=nonsense"}, "unknown target_session_attrs"},
		{database.Options{URL: "mysql://a:hidden@b/c?tls=nonsense"}, "the mode of TLS in the URL is unknown"},
		{database.Options{URL: "mysql://a:hidden@b/c?timeout=nonsense"}, "not usable"},
		{database.Options{URL: "mysql://a:hidden@b,c/d"}, "one host"},
		{database.Options{URL: "sqlite:///x?mode=rw"}, "takes no parameters"},
		{database.Options{URL: "sqlite:///x/"}, "names no file"},
		{database.Options{Driver: "sqlite", Name: "/x", User: "u"}, "SQLite is a file"},
	} {
		_, err := kit.Options(c.o).Target(t.Context(), env)
		if err == nil || fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%+v: got %v (kind %d), want %q", c.o, err, fault.KindOf(err), c.want)
		}
	}
}

// No output shows the password, in whatever form.
func TestSecretsAreKnown(t *testing.T) {
	const password = "p@ss wörd/+"
	_, env := kit.Target(t, database.Options{Driver: "postgres", Host: "h", Password: password})
	for _, text := range []string{"x " + password + " y", "p%40ss%20w%C3%B6rd%2F+", "p%40ss+w%C3%B6rd%2F%2B", "p%40ss%20w%C3%B6rd%2F%2B"} {
		if got := env.Secrets.Text(text); strings.Contains(got, "ss") {
			t.Errorf("%s: printed as %s", text, got)
		}
	}
}

func TestFlags(t *testing.T) {
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	kit.Options(database.Options{}).Flags(fs)
	for _, name := range []string{"database", "db-password"} {
		if !flags.IsSecret(fs.Lookup(name)) {
			t.Errorf("--%s is not marked as a secret", name)
		}
	}
}
