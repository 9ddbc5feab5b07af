package database

import (
	"errors"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/fault"
)

// This file does not use url.Parse: its errors show the URL, and it supports neither
// several hosts nor the form of the golang-migrate tool.

// hintEscape is the next step for a URL that a special character has broken.
const hintEscape = "escape special characters in user, password and name (%40 for @, %2F for /), or give the password with --db-password-file"

// parseURL reads the URL of a database. Its errors show no part of the URL.
func (o *Options) parseURL(s string) (*Parts, error) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(s), "://")
	if !ok {
		return nil, errors.New("it is not a URL: write " + o.forms("?"))
	}
	i := slices.IndexFunc(o.Dialects, func(d *Dialect) bool { return d.Name == scheme || slices.Contains(d.Schemes, scheme) })
	if i < 0 {
		return nil, errors.New("the scheme is unknown: write " + o.forms("USER@"))
	}
	rest, query, _ := strings.Cut(rest, "?")
	params, err := parseQuery(query)
	if err != nil {
		return nil, err
	}
	p := &Parts{Dialect: o.Dialects[i], Params: params}
	if p.Dialect.ParseURL != nil {
		if own, err := p.Dialect.ParseURL(p, rest); own || err != nil {
			return p, err
		}
	}
	authority, name, _ := strings.Cut(rest, "/")
	if strings.ContainsAny(rest, "#") || strings.Contains(name, "@") || strings.Contains(query, "@") && !strings.Contains(authority, "@") {
		return nil, fault.WithNext(errors.New("a special character stands in it as it is"), hintEscape)
	}
	if p.Name, err = Unescape(name); err != nil {
		return nil, err
	}
	hosts, err := p.TakeUser(authority, Unescape)
	if err != nil || hosts == "" {
		return p, err
	}
	for h := range strings.SplitSeq(hosts, ",") {
		if err := p.AddHost(h); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func parseQuery(query string) (map[string]string, error) {
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, errors.New("its query, after the ?, is not NAME=VALUE&NAME=VALUE: " + hintEscape)
	}
	params := make(map[string]string)
	for name, v := range values {
		params[name] = v[len(v)-1]
	}
	return params, nil
}

// Unescape decodes the %-escapes in s, a part of a URL.
func Unescape(s string) (string, error) {
	plain, err := url.PathUnescape(s)
	if err != nil {
		return "", errors.New("a % in it begins no escape: write %25 for it, or give the password with --db-password-file")
	}
	return plain, nil
}

// TakeUser sets user and password from the front of authority and returns the rest.
func (p *Parts) TakeUser(authority string, unescape func(string) (string, error)) (rest string, err error) {
	i := strings.LastIndexByte(authority, '@')
	if i < 0 {
		return authority, nil
	}
	user, password, _ := strings.Cut(authority[:i], ":")
	if p.User, err = unescape(user); err != nil {
		return "", err
	}
	p.Password, err = unescape(password)
	return authority[i+1:], err
}

// AddHost adds the host in s: HOST, HOST:PORT, [IPV6]:PORT or the escaped path of a
// socket.
func (p *Parts) AddHost(s string) error {
	var h Host
	if rest, ok := strings.CutPrefix(s, "["); ok {
		if h.Name, s, ok = strings.Cut(rest, "]"); !ok {
			return errors.New("the [ of an IPv6 address has no ]: " + hintEscape)
		}
		s = "x" + s // in place of the name, so that the port follows one
	}
	name, port, hasPort := strings.Cut(s, ":")
	if n, err := strconv.Atoi(port); hasPort && port != "" && (err != nil || n < 1 || n > 65535) {
		return errors.New("its port is not a number from 1 to 65535; if that is no port: " + hintEscape)
	}
	h.Port = port
	if h.Name == "" {
		var err error
		if h.Name, err = Unescape(name); err != nil {
			return err
		}
	}
	p.Hosts = append(p.Hosts, h)
	return nil
}
