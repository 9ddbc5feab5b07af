package database

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/tasks"
)

// Postgres opens one connection and logs in. adjust may change a copy of the
// configuration before. The connection is pgconn's: package pgx around it would
// add 3 MB to the binary for the conversion of types that nobody here needs.
// Who is done calls its Close.
func (t *Target) Postgres(ctx context.Context, adjust ...func(*pgconn.Config)) (*pgconn.PgConn, error) {
	config := t.postgres.Copy()
	for _, f := range adjust {
		f(config)
	}
	var login *login
	config.DialFunc, login = watchLogin(config.DialFunc)
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, t.explain(ctx, err)
	}
	login.end()
	return conn, nil
}

// configurePostgres makes libpq's settings of the place, which pgconn completes
// with the environment and the defaults.
func (t *Target) configurePostgres(o *Options, env *tasks.Env, files *mount.Reader) error {
	settings, err := t.settings(o, files)
	if err != nil {
		return err
	}
	for keyword, variable := range map[string]string{"sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"} {
		if path := cmp.Or(settings[keyword], o.getenv(variable)); path != "" {
			if err := files.Note(path); err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	config, err := pgconn.ParseConfig(keywordValues(settings))
	if changed := files.Current(); changed != nil { // while pgconn read those by itself
		return changed
	}
	if err != nil {
		return badSettings(err)
	}
	hide(env, config.Password)
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // dial does it
	config.DialFunc = t.dial
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = t.Pod
	}
	for _, c := range tlsConfigs(config) {
		if o.ServerName != "" {
			c.ServerName = o.ServerName
		}
		if c.VerifyPeerCertificate != nil { // pgconn's for verify-ca, which does not say which certificate it saw
			c.VerifyPeerCertificate = nil
			c.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, c.RootCAs) }
		}
	}
	t.postgres = config
	t.place = placeOf(config)
	return nil
}

// settings returns libpq's keywords.
func (t *Target) settings(o *Options, files *mount.Reader) (map[string]string, error) {
	p := t.place
	s := maps.Clone(p.params)
	for name := range s {
		if strings.HasPrefix(name, "x-") { // options of the golang-migrate tool, for itself
			if name == "x-migrations-table" {
				return nil, errors.New("x-migrations-table in the URL is an option of the golang-migrate tool: give --table instead")
			}
			delete(s, name)
		}
	}
	set := func(name, value string) {
		if value != "" {
			s[name] = value
		}
	}
	var names, ports []string
	for _, h := range p.hosts {
		names = append(names, h.name)
		ports = append(ports, h.port)
	}
	set("host", strings.Join(names, ","))
	if strings.Join(ports, "") != "" {
		s["port"] = strings.Join(ports, ",")
	}
	set("user", p.user)
	set("password", p.password)
	set("dbname", p.name)
	set("sslmode", o.TLS)
	for flag, f := range map[string]struct{ path, keyword string }{
		"db-ca":   {o.CA, "sslrootcert"},
		"db-cert": {o.Cert, "sslcert"},
		"db-key":  {o.Key, "sslkey"},
	} {
		if f.path == "" {
			continue
		}
		if _, err := files.Flag(flag, f.path); err != nil { // libpq's words name no flag
			return nil, err
		}
		s[f.keyword] = f.path
	}
	if o.CA != "" && o.TLS == "" {
		s["sslmode"] = tlsVerifyFull
	}
	return s, nil
}

// keywordValues writes settings as libpq reads them: a form in which every value
// can be quoted.
func keywordValues(settings map[string]string) string {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		b.WriteString(name + "='" + quote.Replace(settings[name]) + "' ")
	}
	return b.String()
}

// badSettings keeps of pgconn's error what says why, not the settings it shows.
func badSettings(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, "`: "); i >= 0 {
		text = text[i+3:]
	}
	return fault.WithNext(fault.Usagef("the settings for PostgreSQL are not usable: %s", text),
		"look at the --db- flags, the query of the URL and the PG variables of the environment")
}

func tlsConfigs(config *pgconn.Config) (configs []*tls.Config) {
	if config.TLSConfig != nil {
		configs = append(configs, config.TLSConfig)
	}
	for _, f := range config.Fallbacks {
		if f.TLSConfig != nil {
			configs = append(configs, f.TLSConfig)
		}
	}
	return configs
}

// placeOf returns what config says in the end, the environment included.
func placeOf(config *pgconn.Config) *place {
	p := &place{driver: Postgres, user: config.User, password: config.Password, name: config.Database}
	add := func(name string, port uint16) {
		h := host{name: name, port: strconv.Itoa(int(port))}
		if h.socket() {
			_, h.name = pgconn.NetworkAddress(name, port)
			h.port = ""
		}
		if !slices.Contains(p.hosts, h) {
			p.hosts = append(p.hosts, h)
		}
	}
	add(config.Host, config.Port)
	for _, f := range config.Fallbacks {
		add(f.Host, f.Port)
	}
	return p
}
