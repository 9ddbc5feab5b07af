package path

import (
	"bytes"
	"encoding/hex"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/initbox/initbox/internal/pki/cert"
)

// matches reports whether name lies within the subtree base, which is of the
// same kind (RFC 5280, 4.2.1.10). Where that cannot be told the answer is the one
// that forbids: yes if the subtree is excluded, no if it is permitted.
func matches(name, base generalName, excluded bool) bool {
	switch name.tag {
	case tagDNS:
		return withinDNS(string(name.value), string(base.value), excluded)
	case tagEmail:
		return withinEmail(string(name.value), string(base.value), excluded)
	case tagURI:
		return withinURI(string(name.value), string(base.value), excluded)
	case tagIP:
		return withinIP(name.value, base.value, excluded)
	case tagDir:
		return withinDirectory(name.value, base.value, excluded)
	}
	return excluded
}

// withinDNS: a name lies within a domain if it is that, or has labels added to
// the left. A wildcard stands for every name that it matches: it lies within an
// excluded domain if one of them does.
func withinDNS(name, domain string, excluded bool) bool {
	name, domain = plain(name), plain(domain)
	if domain == "" {
		return true
	}
	if strings.HasPrefix(domain, ".") {
		return strings.HasSuffix(name, domain) && len(name) > len(domain)
	}
	if name == domain || strings.HasSuffix(name, "."+domain) {
		return true
	}
	if parent, ok := strings.CutPrefix(name, "*."); ok && excluded {
		label, rest, _ := strings.Cut(domain, ".")
		return label != "" && rest == parent
	}
	return false
}

func plain(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }

// withinEmail: a constraint is a mailbox, a host, or a domain with a dot before it.
func withinEmail(address, base string, excluded bool) bool {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || at == len(address)-1 {
		return excluded
	}
	local, host := address[:at], strings.ToLower(address[at+1:])
	if k := strings.LastIndexByte(base, '@'); k >= 0 {
		return base[:k] == local && strings.EqualFold(base[k+1:], host)
	}
	return withinHost(host, base)
}

// withinHost: a constraint is one host, or a domain with a dot before it.
func withinHost(host, base string) bool {
	base = strings.ToLower(base)
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(host, base) && len(host) > len(base)
	}
	return base == "" || host == base
}

// withinURI looks at the host of a URI. One without a host, or with an address
// for a host, cannot be within any domain.
func withinURI(uri, base string, excluded bool) bool {
	u, err := url.Parse(uri)
	if err != nil || u.Host == "" {
		return excluded
	}
	host := strings.ToLower(u.Hostname())
	if _, err := netip.ParseAddr(host); err == nil {
		return excluded
	}
	return withinHost(strings.TrimSuffix(host, "."), base)
}

func withinIP(ip, base []byte, excluded bool) bool {
	n := len(ip)
	if n != net.IPv4len && n != net.IPv6len || len(base) != net.IPv4len*2 && len(base) != net.IPv6len*2 {
		return excluded
	}
	if len(base) != 2*n {
		return false // of the other family
	}
	for i := range ip {
		if (ip[i]^base[i])&base[n+i] != 0 {
			return false
		}
	}
	return true
}

// withinDirectory: the subtree's relative names must begin the name.
func withinDirectory(name, base []byte, excluded bool) bool {
	n, err := cert.RDNKeys(name)
	if err != nil {
		return excluded
	}
	b, err := cert.RDNKeys(base)
	if err != nil {
		return excluded
	}
	return len(b) <= len(n) && slices.Equal(b, n[:len(b)])
}

func ipText(b []byte) string {
	if a, ok := netip.AddrFromSlice(b); ok {
		return a.String()
	}
	return "the address " + hex.EncodeToString(bytes.Clone(b[:min(len(b), 16)]))
}
