// Package mysql connects to MySQL and MariaDB.
package mysql

import (
	"cmp"
	"errors"
	"net/url"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/database"
	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// Dialect is MySQL and MariaDB.
var Dialect = &database.Dialect{
	Name:      "mysql",
	Schemes:   []string{"mariadb"},
	Form:      "mysql://USER@HOST:PORT/NAME",
	Quote:     "`",
	ParseURL:  parseURL,
	Check:     check,
	Configure: configure,
	Explain:   explain,
	ErrClosed: mysql.ErrInvalidConn,
}

// A Client connects to one server.
type Client struct {
	target *database.Target
	config *mysql.Config
}

// parseURL reads [USER[:PASSWORD]@][PROTOCOL(ADDRESS)]/NAME, the form of go-sql-driver
// that the golang-migrate tool accepts. As in that tool, user and password are escaped
// as in a query, so that + is a blank.
func parseURL(p *database.Parts, rest string) (own bool, err error) {
	if slash := strings.LastIndexByte(rest, '/'); !strings.HasSuffix(rest, ")") && (slash < 1 || rest[slash-1] != ')') {
		return false, nil
	}
	end := strings.LastIndexByte(rest, ')')
	open := strings.LastIndexByte(rest[:end], '(')
	if open < 0 {
		return true, errors.New("a ) in it has no (: write mysql://USER:PASSWORD@tcp(HOST:PORT)/NAME")
	}
	protocol, err := p.TakeUser(rest[:open], func(s string) (string, error) {
		plain, err := url.QueryUnescape(s)
		if err != nil {
			_, err = database.Unescape(s)
		}
		return plain, err
	})
	if err != nil {
		return true, err
	}
	if p.Name, err = database.Unescape(strings.TrimPrefix(rest[end+1:], "/")); err != nil {
		return true, err
	}
	address := rest[open+1 : end]
	switch {
	case protocol == "tcp":
		return true, p.AddHost(address)
	case protocol == "unix" && strings.HasPrefix(address, "/"):
		p.Hosts = []database.Host{{Name: address}}
		return true, nil
	}
	return true, errors.New("what stands before ( is not tcp or unix: write mysql://USER:PASSWORD@tcp(HOST:PORT)/NAME or @unix(/PATH)/NAME")
}

func check(p *database.Parts) error {
	if len(p.Hosts) == 0 {
		return errors.New("no host for MySQL: write mysql://USER@HOST:PORT/NAME, or give --db-host")
	}
	return nil
}

func configure(t *database.Target, o *database.Options, files *mount.Reader) (database.Client, error) {
	p := t.Parts
	if len(p.Hosts) > 1 {
		return nil, errors.New("MySQL takes one host, not several")
	}
	h := p.Hosts[0]
	if socket := p.Params["socket"]; socket != "" {
		h = database.Host{Name: socket}
	}
	delete(p.Params, "socket")
	h.Port = cmp.Or(h.Port, "3306")
	p.Hosts = []database.Host{h}
	tlsConfig, fallback, err := takeTLS(o, p, files)
	if err != nil {
		return nil, err
	}
	query := url.Values{}
	for name, value := range p.OwnParams() {
		query.Set(name, value)
	}
	config, err := mysql.ParseDSN("/?" + query.Encode())
	if err != nil {
		return nil, fault.WithNext(fault.Usagef("the settings for MySQL are not usable: %w", err),
			"look at the query of the URL and at --db-param: it takes the parameters of go-sql-driver/mysql, and tls or ssl-mode")
	}
	config.User, config.Passwd, config.DBName = p.User, p.Password, p.Name
	config.Net, config.Addr = h.Address()
	if !h.Socket() {
		config.TLS, config.AllowFallbackToPlaintext = tlsConfig, fallback
	}
	config.DialFunc = t.Dial
	attributes := "program_name:initbox,pod_name:" + strings.NewReplacer(",", "_", ":", "_").Replace(t.Pod)
	config.ConnectionAttributes = strings.TrimPrefix(config.ConnectionAttributes+","+attributes, ",")
	return &Client{t, config}, nil
}
