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

	"github.com/initbox/initbox/internal/dial"
	"github.com/initbox/initbox/internal/pki/names"
)

// wanted is the configuration, parsed.
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

// combine checks what flags mean together.
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

// parse reads the flags that are more than text.
func (t *Task) parse() (*wanted, error) {
	w := &wanted{owner: -1, anyMode: t.MaxKeyMode == "", serves: t.Usage != "client", dnsNames: t.DNSNames}
	var errs []error
	bad := func(flag, value string, err any) { errs = append(errs, fmt.Errorf("--%s: %q: %v", flag, value, err)) }
	for _, n := range t.DNSNames {
		if err := names.CheckReference(n); err != nil {
			bad("dns-name", n, err)
		}
	}
	for _, s := range t.IPs {
		ip, err := netip.ParseAddr(s)
		if err != nil {
			bad("ip", s, "it is not an IP address")
		}
		w.ips = append(w.ips, ip)
	}
	for _, s := range t.URIs {
		u, err := url.Parse(s)
		if err != nil || u.Scheme == "" {
			bad("uri", s, "it is not a URI: write it with its scheme, as spiffe://trust-domain/workload")
			continue
		}
		w.uris = append(w.uris, u)
	}
	if t.At != "" {
		at, err := time.Parse(time.RFC3339, t.At)
		if err != nil {
			bad("at", t.At, "it is not a time: write it as 2006-01-02T15:04:05Z")
		}
		w.at = at
	}
	if t.MaxKeyMode != "" {
		mode, err := strconv.ParseUint(t.MaxKeyMode, 8, 32)
		if err != nil || mode > 0o777 {
			bad("max-key-mode", t.MaxKeyMode, "it is not a mode: write three or four octal digits, as 0640")
		}
		w.keyMode = fs.FileMode(mode)
	}
	if t.KeyOwner != "" {
		uid, err := strconv.ParseUint(t.KeyOwner, 10, 31)
		if err != nil {
			bad("key-owner", t.KeyOwner, "it is not a UID: write a number, as 65532")
		}
		w.owner = int(uid)
	}
	for _, s := range t.Remotes {
		a, err := dial.ParseAddress(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("--remote %w", err))
		}
		w.remotes = append(w.remotes, a)
	}
	if t.ServerName != "" {
		if _, err := netip.ParseAddr(t.ServerName); err != nil {
			if err := names.CheckReference(t.ServerName); err != nil {
				bad("server-name", t.ServerName, err)
			}
		}
	}
	for _, d := range t.Dirs {
		if _, err := filepath.Match(d, ""); err != nil {
			bad("dir", d, `the pattern is malformed: a [ needs its ], or a backslash before it`)
		}
	}
	w.usages = usagesOf(t.Usage)
	return w, errors.Join(errs...)
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
