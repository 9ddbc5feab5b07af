package database

import (
	"database/sql"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// MySQL returns a database of which every connection logs in anew. adjust may
// change a copy of the configuration before. Nothing is connected yet; who is
// done calls its Close. What a login fails of is explained.
func (t *Target) MySQL(adjust ...func(*mysql.Config)) (*sql.DB, error) {
	config := t.mysql.Clone()
	for _, f := range adjust {
		f(config)
	}
	if _, err := mysql.NewConnector(config); err != nil {
		return nil, fault.Usagef("the settings for MySQL are not usable: %w", err)
	}
	return sql.OpenDB(&mysqlConnector{t, config}), nil
}

func (t *Target) configureMySQL(o *Options, files *mount.Reader) error {
	p := t.place
	if len(p.hosts) > 1 {
		return errors.New("MySQL takes one host, not several")
	}
	h := p.hosts[0]
	if socket := p.params["socket"]; socket != "" {
		h = host{name: socket}
	}
	delete(p.params, "socket")
	if h.port == "" {
		h.port = "3306"
	}
	p.hosts = []host{h}
	tlsConfig, fallback, err := takeTLS(o, p, files)
	if err != nil {
		return err
	}
	config, err := mysql.ParseDSN("/?" + p.query())
	if err != nil {
		return fault.WithNext(fault.Usagef("the settings for MySQL are not usable: %w", err),
			"look at the query of the URL and at --db-param: it takes the parameters of go-sql-driver/mysql, and tls or ssl-mode")
	}
	config.User, config.Passwd, config.DBName = p.user, p.password, p.name
	config.Net, config.Addr = "tcp", joinHostPort(h.name, h.port)
	if h.socket() {
		config.Net, config.Addr = "unix", h.name
	} else {
		config.TLS, config.AllowFallbackToPlaintext = tlsConfig, fallback
	}
	config.DialFunc = t.dial
	attributes := "program_name:initbox,pod_name:" + strings.NewReplacer(",", "_", ":", "_").Replace(t.Pod)
	config.ConnectionAttributes = strings.TrimPrefix(config.ConnectionAttributes+","+attributes, ",")
	t.mysql = config
	return nil
}

// query returns the parameters for the driver, without those of the
// golang-migrate tool for itself.
func (p *place) query() string {
	values := url.Values{}
	for _, name := range slices.Sorted(maps.Keys(p.params)) {
		if !strings.HasPrefix(name, "x-") {
			values.Set(name, p.params[name])
		}
	}
	return values.Encode()
}
