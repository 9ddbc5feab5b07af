package verifycert

import (
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"net/url"
	"path/filepath"
	"strconv"
	"time"

	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/pki/names"
)

// wanted is the parsed configuration.
type wanted struct {
	ips      []netip.Addr
	uris     []*url.URL
	usages   []x509.ExtKeyUsage
	at       time.Time // zero for now
	keyMode  fs.FileMode
	owner    int // -1 for any
	anyMode  bool
	remotes  []dial.Address
	serves   bool // the leaf is for a server
	dnsNames []string
}

// Check implements [tasks.Task].
func (t *Task) Check() error {
	_, err := t.parse()
	return errors.Join(err, t.combine())
}

// combine checks combinations of flags.
func (t *Task) combine() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if len(t.Dirs)+len(t.Keystores)+len(t.Bundles)+len(t.Remotes)+len(t.Truststores) == 0 && t.Cert == "" {
		add("nothing to verify: name a DIR, as in initbox verify-cert /tls, or give --cert, --keystore, --bundle or --remote")
	}
	if t.Key != "" && t.Cert == "" {
		add("--key needs --cert: name the certificate that it belongs to")
	}
	if t.StartTLS != "" && len(t.Remotes) == 0 {
		add("--starttls needs --remote: name the server")
	}
	if t.ServerName != "" && len(t.Remotes) == 0 {
		add("--server-name needs --remote: name the server; --dns-name is for files")
	}
	trusts := len(t.CA)+len(t.Truststores) > 0 || t.SystemRoots
	if !trusts && (t.Cert != "" || len(t.Keystores) > 0 || len(t.Remotes) > 0) {
		add("there is no CA to check against: give --ca, --truststore or --system-roots")
	}
	for _, d := range t.Dirs {
		if d == "" {
			add("--dir is empty: name a directory")
		}
	}
	return errors.Join(errs...)
}

// parse reads the flags whose values are more than text.
func (t *Task) parse() (*wanted, error) {
	p := parser{wanted: wanted{owner: -1, anyMode: t.MaxKeyMode == "", serves: t.Usage != "client", usages: usagesOf(t.Usage), dnsNames: t.DNSNames}}
	p.names(t)
	p.limits(t)
	p.servers(t)
	for _, d := range t.Dirs {
		if _, err := filepath.Match(d, ""); err != nil {
			p.bad("dir", d, `the pattern is malformed: a [ needs its ], or a backslash before it`)
		}
	}
	return &p.wanted, errors.Join(p.errs...)
}

// A parser collects the configuration and everything that is wrong with the flags.
type parser struct {
	wanted
	errs []error
}

func (p *parser) bad(flag, value string, err any) {
	p.errs = append(p.errs, fmt.Errorf("--%s: %q: %v", flag, value, err))
}

// names reads the names that the leaf must be for.
func (p *parser) names(t *Task) {
	for _, n := range t.DNSNames {
		if err := names.CheckReference(n); err != nil {
			p.bad("dns-name", n, err)
		}
	}
	for _, s := range t.IPs {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			p.bad("ip", s, "it is not an IP address")
		}
		p.ips = append(p.ips, ip)
	}
	for _, s := range t.URIs {
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" {
			p.bad("uri", s, "it is not a URI: write it with its scheme, such as spiffe://trust-domain/workload")
			continue
		}
		p.uris = append(p.uris, u)
	}
}

// limits reads the time and the permitted mode and owner of the key.
func (p *parser) limits(t *Task) {
	if t.At != "" {
		at, err := time.Parse(time.RFC3339, t.At)
		if err != nil {
			p.bad("at", t.At, "it is not a time: write it as 2006-01-02T15:04:05Z")
		}
		p.at = at
	}
	if t.MaxKeyMode != "" {
		mode, err := strconv.ParseUint(t.MaxKeyMode, 8, 32)
		if err != nil || mode > 0o777 {
			p.bad("max-key-mode", t.MaxKeyMode, "it is not a mode: write three or four octal digits, such as 0640")
		}
		p.keyMode = fs.FileMode(mode)
	}
	if t.KeyOwner != "" {
		uid, err := strconv.ParseUint(t.KeyOwner, 10, 31)
		if err != nil {
			p.bad("key-owner", t.KeyOwner, "it is not a UID: write a number, such as 65532")
		}
		p.owner = int(uid)
	}
}

// servers reads the servers to ask for a certificate, and the name to ask for.
func (p *parser) servers(t *Task) {
	for _, s := range t.Remotes {
		a, err := dial.ParseAddress(s)
		if err != nil {
			p.errs = append(p.errs, fmt.Errorf("--remote %w", err))
		}
		p.remotes = append(p.remotes, a)
	}
	if t.ServerName == "" {
		return
	}
	if _, err := netip.ParseAddr(t.ServerName); err == nil {
		return
	}
	if err := names.CheckReference(t.ServerName); err != nil {
		p.bad("server-name", t.ServerName, err)
	}
}

func usagesOf(flag string) []x509.ExtKeyUsage {
	switch flag {
	case "server":
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	case "client":
		return []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	case "both":
		return []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	}
	return nil
}
