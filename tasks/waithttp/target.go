package waithttp

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/text/redact"
)

// A target is one URL to wait for.
type target struct {
	name    string        // for people, without secrets
	url     *url.URL      // http or https, without userinfo
	user    *url.Userinfo // nil if the URL had none
	address dial.Address  // where to connect to
}

// targets reads t.URLs and returns every fault in them.
func (t *Task) targets() ([]target, error) {
	if len(t.URLs) == 0 {
		return nil, errors.New("no URL: name at least one, as in initbox wait-http http://auth/healthz")
	}
	var (
		targets []target
		errs    []error
	)
	for _, s := range t.URLs {
		target, err := parseTarget(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("URL %w", err))
			continue
		}
		targets = append(targets, target)
	}
	return targets, errors.Join(errs...)
}

// parseTarget reads a URL with the scheme http, https or unix.
func parseTarget(s string) (target, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	scheme = strings.ToLower(scheme)
	switch {
	case strings.TrimSpace(s) == "":
		return target{}, badURL(s, "it is empty: write http://HOST/PATH")
	case strings.ContainsAny(s, " \t\r\n"):
		return target{}, badURL(s, "it holds a space or line break: give each URL as an argument of its own, and write %20 for a space")
	case !ok:
		return target{}, badURL(s, "it has no scheme: write http:// or https:// before it")
	case scheme == "unix":
		return parseSocketURL(s, rest)
	case scheme == "tcp":
		return target{}, badURL(s, "it is not HTTP: use wait-tcp for tcp://")
	case scheme != "http" && scheme != "https":
		return target{}, badURL(s, "the scheme is unknown: write http://, https:// or unix:///SOCKET:/PATH")
	}
	return parseHTTP(s)
}

func parseHTTP(s string) (target, error) {
	u, err := url.Parse(s)
	if err != nil {
		return target{}, badURL(s, whyUnparsable(s, err))
	}
	switch {
	case u.Hostname() == "":
		return target{}, badURL(s, "it has no host: write http://HOST/PATH, localhost for this pod")
	case u.Port() == "" && strings.HasSuffix(u.Host, ":"):
		return target{}, badURL(s, "it has a colon but no port after the host")
	}
	a, err := dial.ParseAddress(net.JoinHostPort(u.Hostname(), portOf(u)))
	if err != nil {
		return target{}, badURL(s, "host and port "+err.Error())
	}
	t := target{url: u, user: u.User, address: a}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	t.name = nameOf(u)
	return t, nil
}

// socketHost is the host in the URL, and so in the Host header, of a request over
// a unix socket.
const socketHost = "localhost"

// parseSocketURL parses the part after unix://. The first ":/" ends the path of
// the socket, as in nginx's proxy_pass.
func parseSocketURL(s, rest string) (target, error) {
	socket, path, ok := strings.Cut(rest, ":/")
	if !ok {
		socket, path = strings.TrimSuffix(rest, ":"), ""
	}
	a, err := dial.ParseAddress("unix://" + socket)
	if err != nil {
		return target{}, errors.New(strings.ReplaceAll(err.Error(), "unix:///PATH", "unix:///SOCKET:/PATH"))
	}
	u, err := url.Parse("http://" + socketHost + "/" + path)
	if err != nil {
		return target{}, badURL(s, whyUnparsable(s, err))
	}
	u.Fragment, u.RawFragment = "", ""
	name := a.String() + ":" + strings.TrimPrefix(nameOf(u), "http://"+socketHost)
	return target{name: name, url: u, address: a}, nil
}

// whyUnparsable says why s is not a URL. Parts of an unescaped password may look
// like host or port, so if s contains an @, nothing of it is shown.
func whyUnparsable(s string, err error) string {
	if strings.Contains(s, "@") {
		return "it is malformed: escape what is special in user and password (%40 for @, %2F for /), or use --basic-auth-file"
	}
	if parse, ok := errors.AsType[*url.Error](err); ok {
		err = parse.Err
	}
	return "it is malformed: " + err.Error()
}

// badURL returns the error for s, which it shows without secrets.
func badURL(s, why string) error {
	s, _, hasQuery := strings.Cut(redact.Unreadable(s), "?")
	if hasQuery {
		s += "?..."
	}
	return fmt.Errorf("%q: %s", s, why)
}

// nameOf returns the URL for people. It escapes characters that would end a URL in
// running text, so that redaction finds the whole of a secret in the query.
func nameOf(u *url.URL) string {
	return redact.Text(inText.Replace(u.String()))
}

var inText = strings.NewReplacer(" ", "%20", "\"", "%22", "'", "%27", "<", "%3C", ">", "%3E", "`", "%60")
