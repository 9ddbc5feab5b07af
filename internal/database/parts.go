package database

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/network/dial"
)

// Parts are the parts of a URL: first those that URL and flags give, later all that
// the dialect uses.
type Parts struct {
	Dialect        *Dialect
	User, Password string
	Hosts          []Host
	Name           string            // of the database, or path of the file
	Params         map[string]string // of the URL's query and of --db-param
}

// A Host is one server.
type Host struct {
	Name string // name, address or path of a socket; "" for the dialect's default
	Port string // "" for the dialect's default
}

// Socket reports whether h is a socket rather than a host of a network.
func (h Host) Socket() bool { return strings.HasPrefix(h.Name, "/") }

// Address returns where a driver connects to.
func (h Host) Address() (network, address string) {
	switch {
	case h.Socket():
		return "unix", h.Name
	case h.Port == "":
		return "tcp", h.Name
	}
	return "tcp", net.JoinHostPort(h.Name, h.Port)
}

// parts returns the parts of url, which came in the flag or variable from, after the
// flags have replaced some of them.
func (o *Options) parts(url, from string) (*Parts, error) {
	p := &Parts{Params: map[string]string{}}
	if url != "" {
		var err error
		if p, err = o.parseURL(url); err != nil {
			return nil, fmt.Errorf("%s: %w", from, err)
		}
		if o.Driver != "" && o.Driver != p.Dialect.Name {
			return nil, fmt.Errorf("%s is a URL of %s, but --db-driver says %s: drop one of them", from, p.Dialect.Name, o.Driver)
		}
	} else if i := slices.Index(o.names(), o.Driver); i >= 0 {
		p.Dialect = o.Dialects[i]
	} else {
		return nil, errors.New("no database: give --database-file or " + URLVariable + ", or --db-driver with --db-host, --db-user, --db-password-file and --db-name")
	}
	if err := o.replace(p); err != nil {
		return nil, err
	}
	return p, p.check()
}

// replace sets the parts of p that flags give.
func (o *Options) replace(p *Parts) error {
	params, err := o.params()
	if err != nil {
		return err
	}
	maps.Copy(p.Params, params)
	if len(p.Hosts) == 0 && (o.Host != "" || o.Port != 0) {
		p.Hosts = []Host{{}}
	}
	if o.Host != "" {
		p.Hosts = []Host{{Name: o.Host, Port: p.Hosts[0].Port}}
	}
	for i := range p.Hosts {
		if o.Port != 0 {
			p.Hosts[i].Port = strconv.Itoa(o.Port)
		}
	}
	p.User = cmp.Or(o.User, p.User)
	p.Password = cmp.Or(o.Password, p.Password)
	p.Name = cmp.Or(o.Name, p.Name)
	return nil
}

func (p *Parts) check() error {
	if p.Dialect.Check != nil {
		if err := p.Dialect.Check(p); err != nil {
			return err
		}
	}
	if strings.ContainsRune(p.User+p.Password+p.Name, 0) {
		return errors.New("user, password and name of a database have no NUL byte")
	}
	for _, h := range p.Hosts {
		if h.Name == "" || h.Socket() {
			continue
		}
		if _, err := dial.ParseAddress(net.JoinHostPort(h.Name, cmp.Or(h.Port, "1"))); err != nil {
			return fmt.Errorf("host of the database %w", err)
		}
	}
	return nil
}

// OwnParams returns the parameters for the database: all but those that begin with
// "x-", which the golang-migrate tool reads itself.
func (p *Parts) OwnParams() map[string]string {
	own := maps.Clone(p.Params)
	maps.DeleteFunc(own, func(name, _ string) bool { return strings.HasPrefix(name, "x-") })
	return own
}

// String names p without its secrets: "postgres://db:5432/app as app".
func (p *Parts) String() string {
	var hosts []string
	for _, h := range p.Hosts {
		_, address := h.Address()
		hosts = append(hosts, address)
	}
	text := p.Dialect.Name + "://" + strings.Join(hosts, ",")
	if p.Name != "" {
		text += "/" + p.Name
	}
	if p.User != "" {
		text += " as " + p.User
	}
	return text
}
