// Package dial resolves names and connects to the targets of tasks. Its errors
// say which phase failed: the name does not resolve, the connection is refused,
// nothing answers.
package dial

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/text/redact"
)

// An Address is a place to connect to.
type Address struct {
	Network string // "tcp" or "unix"
	Host    string // name or IP address without brackets; "" for unix
	Port    string // 1 to 65535; "" for unix
	Path    string // path of the socket; "" for tcp
}

// String returns the address in a form that ParseAddress reads.
func (a Address) String() string {
	if a.Network == "unix" {
		return "unix://" + a.Path
	}
	return net.JoinHostPort(a.Host, a.Port)
}

// ParseAddress reads HOST:PORT, [IPV6]:PORT, tcp://HOST:PORT or unix:///PATH.
func ParseAddress(s string) (Address, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	switch {
	case !ok:
		return parseHostPort(s)
	case scheme == "tcp":
		return parseHostPort(strings.TrimSuffix(rest, "/"))
	case scheme == "unix":
		return parseSocket(rest)
	case scheme == "http" || scheme == "https":
		return Address{}, bad(s, "it is a URL: wait-http waits for those, this takes HOST:PORT")
	default:
		return Address{}, bad(s, "the scheme is unknown: write HOST:PORT, tcp://HOST:PORT or unix:///PATH")
	}
}

func parseSocket(p string) (Address, error) {
	s := "unix://" + p
	switch {
	case !strings.HasPrefix(p, "/"):
		return Address{}, bad(s, "the path is not absolute: write unix:///PATH, with three slashes")
	case path.Clean(p) == "/":
		return Address{}, bad(s, "it names no socket: write unix:///PATH")
	case len(p) > maxSocketPath:
		return Address{}, bad(s, fmt.Sprintf("the path of a socket has at most %d bytes (unix(7))", maxSocketPath))
	case strings.ContainsRune(p, 0):
		return Address{}, bad(s, "a path has no NUL byte")
	}
	return Address{Network: "unix", Path: p}, nil
}

// maxSocketPath is the size of sockaddr_un.sun_path without the NUL at its end
// (unix(7)).
const maxSocketPath = 107

func parseHostPort(s string) (Address, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		return Address{}, bad(s, hostPortHint(s))
	}
	if err := checkHost(host); err != nil {
		return Address{}, bad(s, err.Error())
	}
	n, err := strconv.Atoi(port)
	switch {
	case port == "":
		return Address{}, bad(s, "it has no port: write HOST:PORT")
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return Address{}, bad(s, "the port is not a number from 1 to 65535")
	case err != nil || n < 1 || n > 65535 || port[0] == '+':
		return Address{}, bad(s, "the port is not from 1 to 65535")
	}
	return Address{Network: "tcp", Host: host, Port: strconv.Itoa(n)}, nil
}

func hostPortHint(s string) string {
	_, err := netip.ParseAddr(s)
	switch {
	case err == nil && strings.Contains(s, ":"):
		return "an IPv6 address must be in brackets: write [" + s + "]:PORT"
	case s == "":
		return "it is empty: write HOST:PORT"
	case strings.Count(s, ":") > 1:
		return "it has too many colons: write HOST:PORT, an IPv6 address in brackets"
	case !strings.Contains(s, ":"):
		return "it has no port: write HOST:PORT"
	default:
		return "it is not HOST:PORT"
	}
}

// checkHost refuses a host that is neither a DNS name nor an address. It
// accepts underscores, because resolvers do and some names have them.
func checkHost(host string) error {
	_, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return errors.New("it has no host: write HOST:PORT, localhost for this pod")
	case err == nil:
		return nil
	case strings.Contains(host, ":"):
		return errors.New("the part in brackets is not an IPv6 address")
	case strings.ContainsAny(host, ", "):
		return errors.New("one host at a time: give several targets as separate arguments or, in a variable, one per line")
	case len(host) > 253:
		return errors.New("the name is longer than 253 bytes")
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(host, "."), ".") {
		if label == "" || len(label) > 63 {
			return errors.New("a part of the name is empty or longer than 63 bytes")
		}
		for _, c := range []byte(label) {
			if !(c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z') {
				return errors.New("the host has a character that is not allowed in a name")
			}
		}
	}
	return nil
}

// bad returns the error for an address that cannot be parsed.
func bad(s, why string) error {
	return fmt.Errorf("%q: %s", redact.Unreadable(s), why)
}
