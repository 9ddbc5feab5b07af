// Package names compares the names that a client connects to with those in a
// certificate, as RFC 9525 demands: the common name is ignored, a wildcard is the
// whole left-most label and matches exactly one label, and addresses match only
// addresses.
package names

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// CheckReference returns an error for a name that no client can ask for.
func CheckReference(name string) error {
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return errors.New("it is an address: give it with --ip")
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r > 0x7f }) {
		return errors.New("write it as A-labels, as in a certificate (xn--...)")
	}
	if strings.HasPrefix(name, "*") {
		return errors.New("a client connects to one name: give one that the wildcard must match, such as app.example.com")
	}
	if !ValidHost(strings.TrimSuffix(name, "."), true) {
		return errors.New("it is not a DNS name")
	}
	return nil
}

// MatchDNS reports whether one of the presented names matches reference.
func MatchDNS(reference string, presented []string) bool {
	reference = strings.ToLower(strings.TrimSuffix(reference, "."))
	return slices.ContainsFunc(presented, func(p string) bool { return matchOne(reference, strings.ToLower(p)) })
}

func matchOne(reference, presented string) bool {
	parent, wildcard := strings.CutPrefix(presented, "*.")
	if !wildcard {
		return ValidHost(presented, true) && presented == reference
	}
	label, rest, ok := strings.Cut(reference, ".")
	return ok && label != "" && ValidHost(parent, true) && rest == parent
}

// ValidHost reports whether s is a DNS name without a final dot. Host names have
// no underscores, but resolvers accept them and some names have them.
func ValidHost(s string, underscores bool) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			c := label[i]
			if !(c == '-' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || underscores && c == '_') {
				return false
			}
		}
	}
	return true
}

// MatchIP reports whether one of the presented addresses is reference, octet for
// octet. The number of octets decides between IPv4 and IPv6, here as in name
// constraints (RFC 5280, 4.2.1.6 and 4.2.1.10). A presented ::ffff:10.0.0.1 is
// IPv6 and never matches 10.0.0.1. The reference comes from our user and may have
// either form, because both dial the same address.
func MatchIP(reference netip.Addr, presented []net.IP) bool {
	whole, short := reference.WithZone("").AsSlice(), reference.Unmap().AsSlice()
	return slices.ContainsFunc(presented, func(p net.IP) bool { return bytes.Equal(p, whole) || bytes.Equal(p, short) })
}

// MatchURI reports whether one of the presented URIs is reference. Scheme and host
// are compared without regard to case, the rest exactly: nothing in a SPIFFE ID is
// optional or has two spellings.
func MatchURI(reference *url.URL, presented []*url.URL) bool {
	return slices.ContainsFunc(presented, func(p *url.URL) bool { return canonical(p) == canonical(reference) })
}

func canonical(u *url.URL) string {
	c := *u
	c.Scheme, c.Host = strings.ToLower(c.Scheme), strings.ToLower(c.Host)
	return c.String()
}

// A Fault is what is wrong with a presented DNS name.
type Fault int

// The faults.
const (
	Fine         Fault = iota
	Malformed          // not a DNS name
	WildcardForm       // a star that is not the whole left-most label
	PublicSuffix       // a star directly below a public suffix
)

// CheckPresented judges a DNS name in a certificate by the rules for issuers.
func CheckPresented(name string) Fault {
	if !strings.Contains(name, "*") {
		if _, err := netip.ParseAddr(name); err == nil || !ValidHost(name, false) || badALabel(name) {
			return Malformed
		}
		return Fine
	}
	parent, ok := strings.CutPrefix(name, "*.")
	switch {
	case !ok || strings.Contains(parent, "*"):
		return WildcardForm
	case !ValidHost(parent, false) || badALabel(parent):
		return Malformed
	case isPublicSuffix(parent):
		return PublicSuffix
	}
	return Fine
}

// isPublicSuffix reports whether anybody may register a name below domain: a
// top-level domain, known or not, or a domain that a registry treats like one
// (co.uk). Where a company gives out names (github.io), it may have a wildcard.
func isPublicSuffix(domain string) bool {
	suffix, icann := publicsuffix.PublicSuffix(strings.ToLower(domain))
	return strings.EqualFold(suffix, domain) && (icann || !strings.Contains(domain, "."))
}

// badALabel reports whether a label has hyphens in the third and fourth place but
// is not an A-label (RFC 5891, 4.2.3.1).
func badALabel(name string) bool {
	for label := range strings.SplitSeq(strings.ToLower(name), ".") {
		if len(label) >= 4 && label[2:4] == "--" && (!strings.HasPrefix(label, "xn--") || len(label) == 4) {
			return true
		}
	}
	return false
}
