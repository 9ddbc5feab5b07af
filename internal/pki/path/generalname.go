package path

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/names"
)

// Kinds of general names, by their tags.
const (
	tagEmail = 1
	tagDNS   = 2
	tagDir   = 4
	tagURI   = 6
	tagIP    = 7
)

// A generalName is one name of any kind, or the base of a subtree of names. It is
// parsed once, because it may take part in very many comparisons.
type generalName struct {
	tag   int
	value []byte

	valid bool     // it has the form of its kind, so it can be compared
	local string   // the part before the @ of a mailbox
	host  string   // lower case, without a final dot
	rdns  []string // of a directory name
}

func (n generalName) String() string {
	switch n.tag {
	case tagEmail, tagDNS, tagURI:
		return cert.Clip(string(n.value))
	case tagIP:
		if a, ok := netip.AddrFromSlice(n.value); ok {
			return a.String()
		}
		return "the address " + hex.EncodeToString(n.value[:min(len(n.value), 16)])
	case tagDir:
		return "the subject name"
	}
	return fmt.Sprintf("a name of kind %d", n.tag)
}

// kind returns what n should be.
func (n generalName) kind() string {
	switch n.tag {
	case tagEmail:
		return "mailbox or domain of mailboxes"
	case tagDNS:
		return "DNS name"
	case tagDir:
		return "directory name"
	case tagURI:
		return "host of URIs"
	case tagIP:
		return "address with a mask"
	}
	return ""
}

// known reports whether names of n's kind can be compared. RFC 5280, 4.2.1.10 does
// not define that for other kinds. If a CA constrains such a kind, no certificate
// below it may have a name of that kind.
func (n generalName) known() bool { return n.kind() != "" }

// readName parses a name that a certificate is for.
func readName(tag int, value []byte) generalName {
	n := generalName{tag: tag, value: value}
	switch tag {
	case tagDNS:
		n.host = plain(string(value))
		n.valid = names.ValidHost(strings.TrimPrefix(n.host, "*."), true)
	case tagEmail:
		n.mailbox()
	case tagURI:
		// A URI without a host, or with an address as host, is within no domain.
		if u, err := url.Parse(string(value)); err == nil {
			n.host = plain(u.Hostname())
			_, err := netip.ParseAddr(n.host)
			n.valid = err != nil && names.ValidHost(n.host, true)
		}
	case tagIP:
		n.valid = len(value) == net.IPv4len || len(value) == net.IPv6len
	case tagDir:
		n.directory()
	}
	return n
}

// readBase parses the base of a subtree.
func readBase(tag int, value []byte) generalName {
	n := generalName{tag: tag, value: value}
	switch tag {
	case tagDNS:
		n.domain()
	case tagURI:
		n.domain()
		_, err := netip.ParseAddr(n.host) // RFC 5280, 4.2.1.10: a domain name, not an address
		n.valid = n.valid && err != nil
	case tagEmail:
		if bytes.IndexByte(value, '@') >= 0 {
			n.mailbox()
		} else {
			n.domain()
		}
	case tagIP:
		n.valid = (len(value) == 2*net.IPv4len || len(value) == 2*net.IPv6len) && contiguous(value[len(value)/2:])
	case tagDir:
		n.directory()
	}
	return n
}

// domain parses a host, a domain with a dot before it, or an empty value, which
// means every name.
func (n *generalName) domain() {
	n.host = plain(string(n.value))
	n.valid = len(n.value) == 0 || names.ValidHost(strings.TrimPrefix(n.host, "."), true)
}

// contiguous reports whether mask is ones followed by zeros, as RFC 4632 demands.
func contiguous(mask []byte) bool {
	_, bits := net.IPMask(mask).Size()
	return bits > 0
}

func (n *generalName) mailbox() {
	s := string(n.value)
	at := strings.LastIndexByte(s, '@')
	if at <= 0 {
		return
	}
	n.local, n.host = s[:at], plain(s[at+1:])
	n.valid = names.ValidHost(n.host, true)
}

func (n *generalName) directory() {
	rdns, err := cert.RDNKeys(n.value)
	n.rdns, n.valid = rdns, err == nil
}

func plain(s string) string { return strings.ToLower(strings.TrimSuffix(s, ".")) }
