// Package postgres connects to PostgreSQL.
package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// Dialect is PostgreSQL.
var Dialect = &database.Dialect{
	Name:      "postgres",
	Schemes:   []string{"postgresql"},
	Form:      "postgres://USER@HOST:PORT/NAME",
	Quote:     `"`,
	Configure: configure,
	Explain:   explain,
	ErrClosed: pgconn.ErrConnClosed,
}

// A Client connects to one database.
type Client struct {
	target *database.Target
	config *pgconn.Config
}

// Connect opens one connection and logs in. adjust may change a copy of the
// configuration first. The caller closes the connection. It is pgconn's, since package
// pgx would add 3 MB to the binary for the conversion of types that no task needs.
func (c *Client) Connect(ctx context.Context, adjust ...func(*pgconn.Config)) (*pgconn.PgConn, error) {
	config := c.config.Copy()
	for _, f := range adjust {
		f(config)
	}
	var end func()
	config.DialFunc, end = database.WatchLogin(config.DialFunc)
	conn, err := pgconn.ConnectConfig(ctx, config)
	if err != nil {
		return nil, c.target.Explain(ctx, err)
	}
	end()
	return conn, nil
}

// configure turns the parts into libpq's settings. pgconn adds what the environment and
// the defaults give.
func configure(t *database.Target, o *database.Options, files *mount.Reader) (database.Client, error) {
	settings, err := settings(t.Parts, o, files)
	if err != nil {
		return nil, err
	}
	setting := func(keyword string) string { return cmp.Or(settings[keyword], o.Getenv("PG"+strings.ToUpper(keyword))) }
	for _, keyword := range []string{"sslrootcert", "sslcert", "sslkey"} {
		if path := setting(keyword); path != "" {
			if err := files.Note(path); err != nil {
				return nil, fmt.Errorf("%s: %w", path, err)
			}
		}
	}
	config, err := pgconn.ParseConfig(keywordValues(settings))
	if changed := files.Current(); changed != nil { // while pgconn read the files itself
		return nil, changed
	}
	if err != nil {
		return nil, badSettings(err)
	}
	config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil } // Dial resolves it
	config.DialFunc = t.Dial
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = t.Pod
	}
	pair, err := clientPair(o, setting, files)
	if err != nil {
		return nil, err
	}
	for _, try := range tries(config) {
		c := try.TLSConfig
		if c == nil {
			continue
		}
		c.Certificates = pair
		if o.ServerName != "" {
			c.ServerName = o.ServerName
		}
		if c.VerifyPeerCertificate != nil { // pgconn's for verify-ca, whose error lacks the certificate
			c.VerifyPeerCertificate = nil
			c.VerifyConnection = func(state tls.ConnectionState) error { return database.VerifyChain(state, c.RootCAs) }
		}
	}
	t.Parts = partsOf(t.Parts.Dialect, config)
	return &Client{t, config}, nil
}

// clientPair returns the client certificate, if there is one. pgconn would read
// certificate and key again for each connection, perhaps in two versions. It still
// handles a pair that is encrypted or switched off.
func clientPair(o *database.Options, setting func(string) string, files *mount.Reader) ([]tls.Certificate, error) {
	with := *o
	with.Cert, with.Key = setting("sslcert"), setting("sslkey")
	if with.Cert == "" || with.Key == "" || setting("sslcertmode") == "disable" || setting("sslpassword") != "" {
		return nil, nil
	}
	pair, err := with.KeyPair(files)
	return []tls.Certificate{pair}, err
}

// settings returns p and o as libpq's keywords and their values.
func settings(p *database.Parts, o *database.Options, files *mount.Reader) (map[string]string, error) {
	if _, ok := p.Params["x-migrations-table"]; ok {
		return nil, errors.New("x-migrations-table in the URL is an option of the golang-migrate tool: give --table instead")
	}
	s := p.OwnParams()
	var hosts, ports []string
	for _, h := range p.Hosts {
		hosts, ports = append(hosts, h.Name), append(ports, h.Port)
	}
	port := strings.Join(ports, ",")
	if strings.Trim(port, ",") == "" {
		port = ""
	}
	for keyword, value := range map[string]string{
		"host": strings.Join(hosts, ","), "port": port,
		"user": p.User, "password": p.Password, "dbname": p.Name, "sslmode": o.TLS,
	} {
		if value != "" {
			s[keyword] = value
		}
	}
	for _, f := range []struct{ flag, path, keyword string }{
		{"db-ca", o.CA, "sslrootcert"}, {"db-cert", o.Cert, "sslcert"}, {"db-key", o.Key, "sslkey"},
	} {
		if f.path == "" {
			continue
		}
		if _, err := files.Flag(f.flag, f.path); err != nil { // libpq's words name no flag
			return nil, err
		}
		s[f.keyword] = f.path
	}
	if o.CA != "" && o.TLS == "" {
		s["sslmode"] = database.TLSVerifyFull
	}
	return s, nil
}

// keywordValues returns settings in the form of libpq that allows quotes around values.
func keywordValues(settings map[string]string) (text string) {
	quote := strings.NewReplacer(`\`, `\\`, `'`, `\'`)
	for keyword, value := range settings {
		text += keyword + "='" + quote.Replace(value) + "' "
	}
	return text
}

// badSettings keeps the reason in pgconn's error and drops the settings.
func badSettings(err error) error {
	text := err.Error()
	if i := strings.LastIndex(text, "`: "); i >= 0 {
		text = text[i+3:]
	}
	return fault.WithNext(fault.Usagef("the settings for PostgreSQL are not usable: %s", text),
		"look at the --db- flags, the query of the URL and the PG variables of the environment")
}

// tries returns the tries of pgconn in their order: each host, with TLS and without.
func tries(c *pgconn.Config) []*pgconn.FallbackConfig {
	return append([]*pgconn.FallbackConfig{{Host: c.Host, Port: c.Port, TLSConfig: c.TLSConfig}}, c.Fallbacks...)
}

// partsOf returns the parts in config, which include those from the environment.
func partsOf(d *database.Dialect, config *pgconn.Config) *database.Parts {
	p := &database.Parts{Dialect: d, User: config.User, Password: config.Password, Name: config.Database}
	for _, try := range tries(config) {
		h := database.Host{Name: try.Host, Port: strconv.Itoa(int(try.Port))}
		if h.Socket() {
			_, h.Name = pgconn.NetworkAddress(try.Host, try.Port) // the socket in the folder
		}
		if !slices.Contains(p.Hosts, h) {
			p.Hosts = append(p.Hosts, h)
		}
	}
	return p
}
