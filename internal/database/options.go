package database

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/flags"
)

// Options are the flags that say where a database is.
type Options struct {
	Dialects []*Dialect // the databases that the task supports; not a flag

	URL          string // with or without credentials; "" for none
	URLFile      string // file that holds the URL
	Driver       string // name of one of Dialects, or "" for that of the URL
	Host         string // name, address, or absolute path of a socket (PostgreSQL: also of its folder)
	Port         int    // 0 for the dialect's
	User         string
	Password     string
	PasswordFile string   // file that holds the password
	Name         string   // of the database; SQLite: path of its file
	Params       []string // NAME=VALUE, as in the query of a URL
	TLS          string   // a mode of libpq: "disable" to "verify-full"; "" for the mode in URL or environment
	CA           string   // file with the CAs that may sign the server's certificate
	Cert, Key    string   // files with the client's certificate and its key
	ServerName   string   // that the server's certificate must have, "" for the host

	// LookupEnv finds DATABASE_URL; nil for no environment. The command line sets it.
	// The PG* variables are always those of the process, which pgconn reads itself.
	LookupEnv func(string) (string, bool)
	Resolver  *net.Resolver // for names; nil for the system's
}

// URLVariable is the variable in which many charts and platforms give the URL.
const URLVariable = "DATABASE_URL"

// Flags binds o to fs.
func (o *Options) Flags(fs *pflag.FlagSet) {
	fs.Var(urlValue{o}, "database", "`URL` of the database: "+o.forms("USER@")+"; DATABASE_URL is read if neither this, --database-file nor --db-driver is given")
	fs.StringVar(&o.URLFile, "database-file", o.URLFile, "`file` that holds the URL")
	flags.Enum(fs, &o.Driver, "db-driver", o.names(), "kind of database, where no URL says it; mysql is MariaDB as well")
	fs.StringVar(&o.Host, "db-host", o.Host, "`host` of the server, or the path of its socket; this and the other --db- flags replace their part of the URL, and need no escaping")
	flags.Int(fs, &o.Port, "db-port", 0, 65535, "port of the server; 0 for the usual one")
	fs.StringVar(&o.User, "db-user", o.User, "`user` to log in as")
	fs.StringVar(&o.Password, "db-password", o.Password, "`password`; better in a file, or in the variable of this flag")
	fs.StringVar(&o.PasswordFile, "db-password-file", o.PasswordFile, "`file` that holds the password")
	fs.StringVar(&o.Name, "db-name", o.Name, "`name` of the database; for sqlite the path of its file")
	fs.StringArrayVar(&o.Params, "db-param", o.Params, "`NAME=VALUE`, a parameter that the query of a URL may have; repeatable")
	flags.Enum(fs, &o.TLS, "db-tls", []string{TLSDisable, TLSAllow, TLSPrefer, TLSRequire, TLSVerifyCA, TLSVerifyFull}, "whether the connection is encrypted and the server's certificate checked, as sslmode of PostgreSQL; the default is verify-full with --db-ca, else prefer")
	fs.StringVar(&o.CA, "db-ca", o.CA, "`file` with the CAs (PEM) that must have signed the server's certificate")
	fs.StringVar(&o.Cert, "db-cert", o.Cert, "`file` with the client certificate (PEM)")
	fs.StringVar(&o.Key, "db-key", o.Key, "`file` with the key of the client certificate (PEM)")
	fs.StringVar(&o.ServerName, "db-server-name", o.ServerName, "`name` that the server's certificate must have, if not that of the host")
	flags.Secret(fs, "database", "db-password")
}

// A urlValue is the value of --database, which DATABASE_URL may replace.
type urlValue struct{ o *Options }

func (v urlValue) Type() string   { return "string" }
func (v urlValue) String() string { return v.o.URL }

func (v urlValue) Set(s string) error {
	v.o.URL = s
	return nil
}

// UseEnv implements [flags.EnvValue].
func (v urlValue) UseEnv(lookup func(string) (string, bool)) { v.o.LookupEnv = lookup }

// Check returns all errors in o. It reads the environment, but no file.
func (o *Options) Check() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.URL != "" && o.URLFile != "" {
		add("--database and --database-file exclude each other: one of them says where the database is")
	}
	if o.Password != "" && o.PasswordFile != "" {
		add("--db-password and --db-password-file exclude each other: give the file")
	}
	if (o.Cert == "") != (o.Key == "") {
		add("--db-cert and --db-key belong together: give both or neither")
	}
	_, err := o.params()
	errs = append(errs, err)
	if o.URL != "" || o.URLFile == "" {
		others := *o
		others.Params = nil // an error in them is in errs already
		_, err = others.parts(o.url())
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// url returns the URL, unless it is in a file, and the flag or variable it is from.
func (o *Options) url() (text, from string) {
	switch {
	case o.URL != "":
		return o.URL, "--database"
	case o.URLFile != "" || o.Driver != "":
		return "", ""
	}
	return o.Getenv(URLVariable), URLVariable
}

// Getenv returns a variable of the environment, "" if it is not set.
func (o *Options) Getenv(name string) (value string) {
	if o.LookupEnv != nil {
		value, _ = o.LookupEnv(name)
	}
	return value
}

func (o *Options) names() (names []string) {
	for _, d := range o.Dialects {
		names = append(names, d.Name)
	}
	return names
}

// forms returns the forms of URLs, each up to end: "a, b or c".
func (o *Options) forms(end string) string {
	var forms []string
	for _, d := range o.Dialects {
		form, _, _ := strings.Cut(d.Form, end)
		forms = append(forms, form)
	}
	text := strings.Join(forms, ", ")
	if i := strings.LastIndex(text, ", "); i >= 0 {
		text = text[:i] + " or " + text[i+2:]
	}
	return text
}

func (o *Options) params() (map[string]string, error) {
	params := make(map[string]string)
	for _, p := range o.Params {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, errors.New("--db-param is not NAME=VALUE: write for instance --db-param connect_timeout=5")
		}
		params[name] = value
	}
	return params, nil
}
