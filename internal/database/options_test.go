package database

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/tasks"
)

func lookup(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) { v, ok := values[name]; return v, ok }
}

// Where several sources say where the database is, the order of the package's
// documentation holds.
func TestPrecedence(t *testing.T) {
	env := lookup(map[string]string{"DATABASE_URL": "postgres://env@env:1/env"})
	file := secretFile(t, "postgres://file:filesecret@file:2/file\n")
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{}, "postgres://env:1/env as env"},
		{Options{URL: "mysql://flag@flag/flag"}, "mysql://flag:3306/flag as flag"},
		{Options{URLFile: file}, "postgres://file:2/file as file"},
		{Options{Host: "host", User: "u", Name: "n"}, "postgres://host:1/n as u"},
		{Options{Port: 9}, "postgres://env:9/env as env"},
		{Options{URLFile: file, Host: "host"}, "postgres://host:2/file as file"},
		{Options{Driver: "mysql", Host: "h"}, "mysql://h:3306"},
		{Options{Driver: "sqlite", Name: "/x"}, "sqlite:///x"},
		{Options{Driver: "postgres", URL: "postgres://a@b:3/c"}, "postgres://b:3/c as a"},
		{Options{Driver: "postgres", Host: "::1", Port: 5, User: "u", Name: "n"}, "postgres://[::1]:5/n as u"},
		{Options{URL: "mysql://a@unix(/run/my.sock)/c"}, "mysql:///run/my.sock/c as a"},
	} {
		c.o.LookupEnv = env
		target, _ := newTarget(t, c.o, "filesecret")
		name := strings.Replace(target.Name, ":5432", "", 1)
		if name != c.want {
			t.Errorf("%+v: got %s, want %s", c.o, name, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	none := lookup(nil)
	for _, c := range []struct {
		o    Options
		want []string
	}{
		{Options{}, []string{"no database: give --database-file or DATABASE_URL"}},
		{Options{Host: "db"}, []string{"no database"}},
		{Options{URL: "a", URLFile: "b", Password: "x", PasswordFile: "y", Cert: "z"}, []string{
			"--database and --database-file exclude each other", "--db-password and --db-password-file exclude each other", "--db-cert and --db-key belong together", "--database: it is not a URL"}},
		{Options{LookupEnv: lookup(map[string]string{"DATABASE_URL": "x"})}, []string{"DATABASE_URL: it is not a URL"}},
		{Options{URL: "mysql://h/x", Driver: "postgres"}, []string{"--database is a URL of mysql, but --db-driver says postgres"}},
		{Options{Driver: "postgres", Params: []string{"hidden"}}, []string{"--db-param is not NAME=VALUE"}},
		{Options{Driver: "postgres", Host: "a b"}, []string{"host of the database"}},
		{Options{Driver: "mysql"}, []string{"no host for MySQL"}},
		{Options{Driver: "sqlite"}, []string{"no file for SQLite"}},
		{Options{Driver: "sqlite", Name: "x", Host: "y"}, []string{"SQLite has no host"}},
		{Options{Driver: "postgres", Host: "h", Password: "hidden\x00"}, []string{"NUL"}},
	} {
		if c.o.LookupEnv == nil {
			c.o.LookupEnv = none
		}
		err := c.o.Check()
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
				t.Errorf("%+v: got %v, want %q", c.o, err, want)
			}
		}
	}
}

// What only a file or a driver tells is a usage error as well.
func TestTargetRefuses(t *testing.T) {
	env := tasks.NewEnv(slog.New(slog.DiscardHandler), io.Discard, false)
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{URLFile: "/nosuch/url"}, "--database-file /nosuch/url: there is no such file"},
		{Options{URLFile: secretFile(t, "hidden")}, "it is not a URL"},
		{Options{Driver: "postgres", Host: "h", PasswordFile: secretFile(t, "")}, "it is empty"},
		{Options{Driver: "postgres", Host: "h", PasswordFile: secretFile(t, "hidden\nhidden")}, "more than one line"},
		{Options{URL: "postgres://a@b/c?x-migrations-table=t"}, "give --table instead"},
		{Options{URL: "postgres://a:hidden@b/c?target_session_attrs=nonsense"}, "unknown target_session_attrs"},
		{Options{URL: "mysql://a:hidden@b/c?tls=nonsense"}, "the mode of TLS in the URL is unknown"},
		{Options{URL: "mysql://a:hidden@b/c?timeout=nonsense"}, "not usable"},
		{Options{URL: "mysql://a:hidden@b,c/d"}, "one host"},
		{Options{URL: "sqlite:///x?mode=rw"}, "takes no parameters"},
		{Options{URL: "sqlite:///x/"}, "names no file"},
		{Options{Driver: "sqlite", Name: "/x", User: "u"}, "SQLite is a file"},
	} {
		_, err := c.o.Target(t.Context(), env)
		if err == nil || fault.KindOf(err) != fault.Usage || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%+v: got %v (kind %d), want %q", c.o, err, fault.KindOf(err), c.want)
		}
	}
}

// The password is hidden from all that is printed, in each form that it has.
func TestSecretsAreKnown(t *testing.T) {
	const password = "p@ss wörd/+"
	_, env := newTarget(t, Options{Driver: "postgres", Host: "h", Password: password})
	for _, text := range []string{"x " + password + " y", "p%40ss%20w%C3%B6rd%2F+", "p%40ss+w%C3%B6rd%2F%2B", "p%40ss%20w%C3%B6rd%2F%2B"} {
		if got := env.Secrets.Text(text); strings.Contains(got, "ss") {
			t.Errorf("%s: printed as %s", text, got)
		}
	}
}

func TestFlags(t *testing.T) {
	fs := pflag.NewFlagSet("x", pflag.ContinueOnError)
	new(Options).Flags(fs)
	for _, name := range []string{"database", "db-password"} {
		if !flags.IsSecret(fs.Lookup(name)) {
			t.Errorf("--%s is not marked as a secret", name)
		}
	}
}
