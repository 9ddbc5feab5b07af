package waithttp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/internal/network/dial"
	"github.com/initbox/initbox/internal/text/redact"
	"github.com/initbox/initbox/tasks"
)

// explain says why there is no answer. ended is the error of the attempt's context
// at the time when the request failed.
func (p *prober) explain(cs *connections, ended, err error) error {
	failedAt, cause := "", err
	if request, ok := errors.AsType[*url.Error](err); ok {
		failedAt, cause = request.URL, request.Err
	}
	var explained *tasks.Error
	switch {
	case errors.Is(ended, context.Canceled):
		return ended // the wait is over and nobody reads the error
	case ended != nil && cs.failure != nil:
		cause = cs.failure
	case ended != nil:
		cause = tasks.WithNext(
			fmt.Errorf("%s accepted the connection but does not answer%s", cs.where, within(p.client.timeout)),
			"the server hangs or is overloaded: look at its log, or raise --attempt-timeout if it is just slow")
	case errors.As(cause, &explained):
		cause = explained
	default:
		cause = p.explainExchange(cs, cause)
	}
	return p.viaProxy(p.afterRedirect(failedAt, cause))
}

// refused returns the error for a redirect that checkRedirect has refused.
func (p *prober) refused(err error) error {
	if explained, ok := errors.AsType[*tasks.Error](err); ok {
		return explained
	}
	return errors.New(p.show(redact.Text(err.Error())))
}

// explainExchange explains a failure after the connection was established.
func (p *prober) explainExchange(cs *connections, err error) error {
	if err := p.explainTLS(cs, err); err != nil {
		return err
	}
	text := strings.TrimPrefix(err.Error(), "net/http: HTTP/1.x transport connection broken: ")
	switch {
	case strings.Contains(text, `malformed HTTP response "\x15\x03`):
		return tasks.WithNext(fmt.Errorf("%s speaks TLS, not plain HTTP", cs.where), "write https:// instead of http://")
	case strings.Contains(text, `malformed HTTP response "\x00\x00`):
		return tasks.WithNext(fmt.Errorf("%s speaks HTTP/2 only", cs.where), "add --http2-prior-knowledge")
	case p.client.task.HTTP2PriorKnowledge && (strings.Contains(text, "looked like an HTTP/1.1 header") || strings.Contains(text, "frame too large") || strings.Contains(text, "could not be established")):
		return tasks.WithNext(fmt.Errorf("%s does not speak HTTP/2", cs.where), nextNoHTTP2)
	case strings.Contains(text, "malformed"):
		return tasks.WithNext(fmt.Errorf("%s does not speak HTTP: %s", cs.where, p.show(redact.Text(text))), "check the port, or wait for it with wait-tcp")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return tasks.WithNext(fmt.Errorf("%s closed the connection in the middle of its answer", cs.where), nextClosed)
	case closed(err) && cs.asked && p.client.task.ClientCert == "":
		// The reset of the connection may overtake the alert that gives the reason.
		return asksForCertificate(cs.where)
	case closed(err):
		return tasks.WithNext(fmt.Errorf("%s accepted the connection and closed it without an answer", cs.where), nextClosed)
	}
	return fmt.Errorf("no answer from %s: %s", cs.where, p.show(redact.Text(dial.System(err).Error())))
}

const (
	nextNoHTTP2 = "leave out --http2-prior-knowledge"
	nextClosed  = "look at the server's log, and at the backend if a proxy answers for it: kubectl get endpointslices"
)

// closed reports whether the server closed the connection before its answer.
func closed(err error) bool {
	text := err.Error()
	return dial.Closed(err) || strings.Contains(text, "server closed idle connection") ||
		strings.Contains(text, "could not be established") || strings.Contains(text, "connection lost")
}

// explainBody explains why the body of an answer does not end properly.
func (p *prober) explainBody(ended error, resp *http.Response, err error) error {
	switch {
	case errors.Is(ended, context.Canceled):
		return ended
	case ended != nil:
		return tasks.WithNext(fmt.Errorf("%s, but the body did not end%s", p.got(resp), within(p.client.timeout)),
			"the server hangs or streams without an end: ask for another path, or raise --attempt-timeout")
	case errors.Is(err, io.ErrUnexpectedEOF), dial.Closed(err):
		return tasks.WithNext(fmt.Errorf("%s, but the connection was closed in the middle of the body", p.got(resp)), nextClosed)
	}
	return fmt.Errorf("%s, but the body cannot be read: %s", p.got(resp), p.show(redact.Text(dial.System(err).Error())))
}

// afterRedirect adds where a redirect has led, if there was one.
func (p *prober) afterRedirect(failed string, err error) error {
	u, parseErr := url.Parse(failed)
	if parseErr != nil || failed == "" || failed == p.target.url.String() {
		return err
	}
	next := "give a URL that does not redirect, or let --status judge the redirect itself with --follow-redirects=0"
	if where := tasks.NextOf(err); where != "" {
		next += "; to get there: " + where
	}
	return tasks.WithNext(fmt.Errorf("after a redirect to '%s': %w", p.show(nameOf(withoutUser(u))), err), next)
}

// viaProxy adds that the request went through a proxy, if it did.
func (p *prober) viaProxy(err error) error {
	via := p.throughProxy(&http.Request{URL: p.target.url})
	if via == "" {
		return err
	}
	return tasks.WithNext(fmt.Errorf("%s: %w", strings.TrimSpace(via), err), "look at the proxy, or leave out --proxy-from-env")
}

// refusedByProxy is the OnProxyConnectResponse of a transport.
func refusedByProxy(_ context.Context, _ *url.URL, req *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &tasks.Error{Err: fmt.Errorf("the proxy answers %d to CONNECT %s", resp.StatusCode, req.Host)}
}

// throughProxy returns a phrase that names the proxy of the request, or "".
func (p *prober) throughProxy(req *http.Request) string {
	if !p.client.task.ProxyFromEnv || p.target.address.Network == "unix" {
		return ""
	}
	proxy, err := http.ProxyFromEnvironment(req)
	if err != nil || proxy == nil {
		return ""
	}
	return " through the proxy " + proxy.Scheme + "://" + proxy.Host
}

func within(d time.Duration) string { return " within " + flags.FormatDuration(d) }

// speaksTLS are parts of the answers of servers to plain HTTP on a TLS port: Go,
// nginx, Apache, Tomcat.
var speaksTLS = []string{"to an HTTPS server", "to HTTPS port", "SSL-enabled server port", "requires TLS"}

// nextForStatus returns the next step for an unexpected status.
func (p *prober) nextForStatus(a *answer, resp *http.Response) string {
	for _, words := range speaksTLS {
		if a.status == 400 && resp.Request.URL.Scheme == "http" && strings.Contains(string(a.body), words) {
			return "the server speaks TLS on this port: write https:// instead of http://"
		}
	}
	switch s := a.status; {
	case s == 401 || s == 403:
		return "check the credentials (--bearer-token-file, --basic-auth-file, --header-file) and what they allow (RBAC, mesh policy)"
	case s == 404:
		return "check the path, and with an ingress or mesh the host (--host)"
	case s == 405:
		return "check --method"
	case s == 407:
		return "the proxy wants credentials: put them into HTTP_PROXY or HTTPS_PROXY"
	case 300 <= s && s <= 399:
		return "raise --follow-redirects to follow it, or add it to --status"
	case s == 502 || s == 503 || s == 504:
		return "the server, or a proxy in front of it, is up but its backend is not ready: look at its log and at kubectl get endpointslices"
	case s >= 500:
		return "the server is up but fails: look at its log"
	case 200 <= s && s <= 299:
		return "check what --status asks for"
	}
	return "check the URL, --method, --header and --body against what the server expects"
}
