package database

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/network/dial"
)

// A place is where a database is, as URL and flags say it.
type place struct {
	driver         Driver
	user, password string
	hosts          []host
	name           string // of the database, or path of the file
	params         map[string]string
}

// A host is one server of a place.
type host struct {
	name string // name, address or path of a socket; "" for the driver's default
	port string // "" for the driver's default
}

// path reports whether h is a socket rather than a host of a network.
func (h host) socket() bool { return strings.HasPrefix(h.name, "/") }

// place returns what url, which is from the flag or variable from, and the parts
// in o say together.
func (o *Options) place(url, from string) (*place, error) {
	p := &place{driver: Driver(o.Driver), params: map[string]string{}}
	switch {
	case url != "":
		var err error
		if p, err = parseURL(url); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		if o.Driver != "" && Driver(o.Driver) != p.driver {
			return nil, fmt.Errorf("%s is a URL of %s, but --db-driver says %s: drop one of them", from, p.driver, o.Driver)
		}
	case o.Driver == "":
		return nil, errors.New("no database: give --database-file or " + URLVariable + ", or --db-driver with --db-host, --db-user, --db-password-file and --db-name")
	}
	if err := o.replace(p); err != nil {
		return nil, err
	}
	return p, p.check()
}

// replace puts the parts that flags name into p.
func (o *Options) replace(p *place) error {
	params, err := o.params()
	if err != nil {
		return err
	}
	maps.Copy(p.params, params)
	if o.Host != "" {
		h := host{name: o.Host}
		if len(p.hosts) > 0 {
			h.port = p.hosts[0].port
		}
		p.hosts = []host{h}
	}
	if o.Port != 0 {
		if len(p.hosts) == 0 {
			p.hosts = []host{{}}
		}
		for i := range p.hosts {
			p.hosts[i].port = strconv.Itoa(o.Port)
		}
	}
	if o.User != "" {
		p.user = o.User
	}
	if o.Password != "" {
		p.password = o.Password
	}
	if o.Name != "" {
		p.name = o.Name
	}
	return nil
}

func (p *place) check() error {
	if p.driver == SQLite {
		switch {
		case p.name == "":
			return errors.New("no file for SQLite: write sqlite:///PATH, or --db-driver sqlite --db-name PATH")
		case len(p.hosts) > 0:
			return errors.New("SQLite has no host: write sqlite:///PATH, with three slashes, or --db-name PATH")
		}
	}
	if p.driver == MySQL && len(p.hosts) == 0 {
		return errors.New("no host for MySQL: write mysql://USER@HOST:PORT/NAME, or give --db-host")
	}
	if strings.ContainsRune(p.user+p.password+p.name, 0) {
		return errors.New("user, password and name of a database have no NUL byte")
	}
	for _, h := range p.hosts {
		if h.name == "" || h.socket() {
			continue
		}
		port := h.port
		if port == "" {
			port = "1"
		}
		if _, err := dial.ParseAddress(joinHostPort(h.name, port)); err != nil {
			return fmt.Errorf("host of the database %w", err)
		}
	}
	return nil
}

func joinHostPort(name, port string) string {
	if strings.Contains(name, ":") {
		return "[" + name + "]:" + port
	}
	return name + ":" + port
}

// String names p without its secrets: "postgres://db:5432/app as app".
func (p *place) String() string {
	if p.driver == SQLite {
		return "sqlite://" + p.name
	}
	var hosts []string
	for _, h := range p.hosts {
		if h.port != "" && !(h.socket() && p.driver == MySQL) {
			h.name = joinHostPort(h.name, h.port)
		}
		hosts = append(hosts, h.name)
	}
	text := string(p.driver) + "://" + strings.Join(hosts, ",")
	if p.name != "" {
		text += "/" + p.name
	}
	if p.user != "" {
		text += " as " + p.user
	}
	return text
}
