package database

import (
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/fault"
)

// Package net/url is not used for the whole: its errors hold what it was given,
// and it knows neither several hosts nor the form of the golang-migrate tool.

// hintEscape is what to do about a URL that a special character has broken.
const hintEscape = "escape special characters in user, password and name (%40 for @, %2F for /), or give the password with --db-password-file"

// schemes are the drivers by what stands before "://".
var schemes = map[string]Driver{
	"postgres": Postgres, "postgresql": Postgres,
	"mysql": MySQL, "mariadb": MySQL,
	"sqlite": SQLite, "sqlite3": SQLite, "file": SQLite,
}

// parseURL reads the URL of a database. No error holds any of it.
func parseURL(s string) (*place, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), "://")
	if !ok {
		return nil, errors.New("it is not a URL: write postgres://USER@HOST:PORT/NAME, mysql://USER@HOST:PORT/NAME or sqlite:///PATH")
	}
	driver, ok := schemes[scheme]
	if !ok {
		return nil, errors.New("the scheme is unknown: write postgres://, mysql:// or sqlite://")
	}
	rest, query, _ := strings.Cut(rest, "?")
	params, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	p := &place{driver: driver, params: params}
	switch {
	case driver == SQLite:
		p.name, err = unescape(rest)
		return p, err
	case driver == MySQL && isDSN(rest):
		return p, p.parseDSN(rest)
	}
	authority, name, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(rest, "#") || strings.Contains(name, "@") || strings.Contains(query, "@") && !strings.Contains(authority, "@") {
		return nil, fault.WithNext(errors.New("a special character stands in it as it is"), hintEscape)
	}
	if p.name, err = unescape(name); err != nil {
		return nil, err
	}
	hosts, err := p.parseUser(authority, unescape)
	if err != nil {
		return nil, err
	}
	for h := range strings.SplitSeq(hosts, ",") {
		if hosts == "" {
			break
		}
		if err := p.addHost(h); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func parseQuery(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("its query, behind the ?, is not NAME=VALUE&NAME=VALUE: " + hintEscape)
	}
	params := make(map[string]string)
	for name, v := range values {
		params[name] = v[len(v)-1]
	}
	return params, nil
}

func unescape(s string) (string, error) {
	plain, err := url.PathUnescape(s)
	if err != nil {
		return "", errors.New("a % in it begins no escape: write %25 for it, or give the password with --db-password-file")
	}
	return plain, nil
}

// parseUser takes user and password off the front of authority.
func (p *place) parseUser(authority string, unescape func(string) (string, error)) (rest string, err error) {
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return authority, nil
	}
	user, password, _ := strings.Cut(authority[:i], ":")
	if p.user, err = unescape(user); err != nil {
		return "", err
	}
	p.password, err = unescape(password)
	return authority[i+1:], err
}

// addHost reads HOST, HOST:PORT, [IPV6]:PORT or the escaped path of a socket.
func (p *place) addHost(s string) error {
	var h host
	if rest, ok := strings.CutPrefix(s, "["); ok {
		if h.name, s, ok = strings.Cut(rest, "]"); !ok {
			return errors.New("the [ of an IPv6 address has no ]: " + hintEscape)
		}
		s = "x" + s
	}
	name, port, hasPort := strings.Cut(s, ":")
	if n, err := strconv.Atoi(port); hasPort && port != "" && (err != nil || n < 1 || n > 65535) {
		return errors.New("its port is not a number from 1 to 65535; if that is no port: " + hintEscape)
	}
	h.port = port
	if h.name == "" {
		var err error
		if h.name, err = unescape(name); err != nil {
			return err
		}
	}
	p.hosts = append(p.hosts, h)
	return nil
}

// isDSN reports whether s is [USER[:PASSWORD]@][PROTOCOL(ADDRESS)]/NAME, the
// form of go-sql-driver that the golang-migrate tool takes.
func isDSN(s string) bool {
	i := strings.LastIndexByte(s, '/')
	return i > 0 && s[i-1] == ')' || strings.HasSuffix(s, ")")
}

// parseDSN reads that form as the golang-migrate tool does: user and password
// are unescaped as in a query, + being a blank.
func (p *place) parseDSN(s string) error {
	end := strings.LastIndexByte(s, ')')
	open := strings.LastIndexByte(s[:end], '(')
	if open < 0 {
		return errors.New("a ) in it has no (: write mysql://USER:PASSWORD@tcp(HOST:PORT)/NAME")
	}
	protocol, err := p.parseUser(s[:open], func(s string) (string, error) {
		plain, err := url.QueryUnescape(s)
		if err != nil {
			_, err = unescape(s)
		}
		return plain, err
	})
	if err != nil {
		return err
	}
	if p.name, err = unescape(strings.TrimPrefix(s[end+1:], "/")); err != nil {
		return err
	}
	address := s[open+1 : end]
	switch {
	case protocol == "tcp":
		return p.addHost(address)
	case protocol == "unix" && strings.HasPrefix(address, "/"):
		p.hosts = []host{{name: address}}
		return nil
	}
	return errors.New("what stands before ( is not tcp or unix: write mysql://USER:PASSWORD@tcp(HOST:PORT)/NAME or @unix(/PATH)/NAME")
}
