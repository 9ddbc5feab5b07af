package path

import (
	"slices"
	"strings"
)

// matches reports whether name lies within the subtree base of the same kind (RFC
// 5280, 4.2.1.10). If that cannot be decided, it returns the answer that forbids
// the name: true for an excluded subtree, false for a permitted one.
func matches(name, base generalName, excluded bool) bool {
	if !name.valid || !base.valid {
		return excluded
	}
	switch name.tag {
	case tagDNS:
		return withinDNS(name.host, base.host, excluded)
	case tagEmail:
		if base.local != "" {
			return base.local == name.local && base.host == name.host
		}
		return withinHost(name.host, base.host)
	case tagURI:
		return withinHost(name.host, base.host)
	case tagIP:
		return withinIP(name.value, base.value)
	case tagDir: // the subtree's relative names must begin the name
		return len(base.rdns) <= len(name.rdns) && slices.Equal(base.rdns, name.rdns[:len(base.rdns)])
	}
	return excluded
}

// withinDNS: a name is within a domain if it is the domain, or has more labels on
// the left. A wildcard means every name that it matches: it is within an excluded
// domain if one of these names is.
func withinDNS(name, domain string, excluded bool) bool {
	if domain == "" {
		return true
	}
	if strings.HasPrefix(domain, ".") {
		return strings.HasSuffix(name, domain) && len(name) > len(domain)
	}
	if strings.HasSuffix(name, domain) && (len(name) == len(domain) || name[len(name)-len(domain)-1] == '.') {
		return true
	}
	if parent, ok := strings.CutPrefix(name, "*."); ok && excluded {
		label, rest, _ := strings.Cut(domain, ".")
		return label != "" && rest == parent
	}
	return false
}

// withinHost: a constraint is one host, or a domain with a dot before it.
func withinHost(host, base string) bool {
	if strings.HasPrefix(base, ".") {
		return strings.HasSuffix(host, base) && len(host) > len(base)
	}
	return base == "" || host == base
}

// withinIP: the number of octets decides the family, as in names.MatchIP. So
// ::ffff:10.0.0.1 is within ::/0 and not within 10.0.0.0/8.
func withinIP(ip, base []byte) bool {
	n := len(ip)
	if len(base) != 2*n {
		return false // the other family
	}
	for i := range ip {
		if (ip[i]^base[i])&base[n+i] != 0 {
			return false
		}
	}
	return true
}
