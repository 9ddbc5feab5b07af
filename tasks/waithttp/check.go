package waithttp

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/initbox/initbox/internal/network/dial"
)

// Check implements [tasks.Task].
func (t *Task) Check() error {
	targets, targetErr := t.targets()
	_, headerErr := parseHeaders(t.Headers)
	_, expectErr := t.expectations()
	return errors.Join(targetErr, t.checkRequest(), headerErr, expectErr, t.checkTLS(), t.checkCredentials(targets))
}

func (t *Task) checkRequest() error {
	var errs []error
	switch upper := strings.ToUpper(t.Method); {
	case !httpguts.ValidHeaderFieldName(t.Method):
		errs = append(errs, fmt.Errorf("--method: %q is not a method: write for instance GET", t.Method))
	case upper == "CONNECT":
		errs = append(errs, errors.New("--method: CONNECT is for proxies; no server answers it"))
	case t.Method != upper && (upper == "GET" || upper == "HEAD" || upper == "POST" || upper == "PUT" || upper == "OPTIONS"):
		errs = append(errs, fmt.Errorf("--method: methods are upper-case: write %s", upper))
	case t.Method == "HEAD" && len(t.ExpectBody)+len(t.ExpectBodyRegexp)+len(t.ExpectJSON) > 0:
		errs = append(errs, errors.New("--method HEAD gets no body: leave out --expect-body, --expect-body-regexp and --expect-json"))
	}
	if t.Body != "" && t.BodyFile != "" {
		errs = append(errs, errors.New("--body and --body-file exclude each other: give one"))
	}
	if t.Host != "" && !isHost(t.Host) {
		errs = append(errs, fmt.Errorf("--host: %q is not a host: write NAME or NAME:PORT", t.Host))
	}
	return errors.Join(errs...)
}

// isHost reports whether s is HOST or HOST:PORT.
func isHost(s string) bool {
	if _, _, err := net.SplitHostPort(s); err != nil {
		s = net.JoinHostPort(strings.Trim(s, "[]"), "80")
	}
	_, err := dial.ParseAddress(s)
	return err == nil
}

func (t *Task) checkTLS() error {
	var errs []error
	if t.Insecure && t.CA != "" {
		errs = append(errs, errors.New("--insecure and --ca exclude each other: with the CA the certificate can be checked"))
	}
	if (t.ClientCert == "") != (t.ClientKey == "") {
		errs = append(errs, errors.New("--client-cert and --client-key belong together: give both; they may name the same file"))
	}
	if t.ServerName != "" && (strings.Contains(t.ServerName, ":") || !isHost(t.ServerName)) {
		errs = append(errs, fmt.Errorf("--server-name: %q is not a name: write it as the certificate does, without a port", t.ServerName))
	}
	return errors.Join(errs...)
}

// checkCredentials refuses more than one source of the Authorization header.
func (t *Task) checkCredentials(targets []target) error {
	var given []string
	if t.BearerTokenFile != "" {
		given = append(given, "--bearer-token-file")
	}
	if t.BasicAuthFile != "" {
		given = append(given, "--basic-auth-file")
	}
	if h, _ := parseHeaders(t.Headers); h.Get("Authorization") != "" {
		given = append(given, "--header Authorization")
	}
	if i := slices.IndexFunc(targets, func(t target) bool { return t.user != nil }); i >= 0 {
		given = append(given, "the user in the URL "+targets[i].name)
	}
	if len(given) < 2 {
		return nil
	}
	return fmt.Errorf("%s exclude each other: a request has one Authorization header", strings.Join(given, " and "))
}
