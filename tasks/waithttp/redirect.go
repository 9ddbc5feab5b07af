package waithttp

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/initbox/initbox/tasks"
)

// checkRedirect decides whether to send req, to which the answers to via have
// redirected. It is the CheckRedirect of an http.Client.
func (c *client) checkRedirect(req *http.Request, via []*http.Request) error {
	status := req.Response.StatusCode
	if c.task.FollowRedirects == 0 || c.expect.status.has(status) || c.expect.failOn.has(status) {
		return http.ErrUseLastResponse
	}
	to := nameOf(withoutUser(req.URL))
	if slices.ContainsFunc(via, func(r *http.Request) bool { return r.Method == req.Method && r.URL.String() == req.URL.String() }) {
		return tasks.WithNext(fmt.Errorf("redirect loop: %d leads back to %s", status, to),
			"look at the server's external URL and its rules for redirects, or give --follow-redirects 0 and --status for the redirect itself")
	}
	if len(via) > c.task.FollowRedirects {
		return tasks.WithNext(fmt.Errorf("more than %d redirects, the last one to %s", c.task.FollowRedirects, to),
			"name the final URL, or raise --follow-redirects")
	}
	req.Header.Del("Referer") // its query may hold a secret
	if trusted(req, via) {
		return nil
	}
	if req.Body != nil {
		return tasks.WithNext(fmt.Errorf("%d redirects the body, which is sent to the host of the URL only, to %s", status, to),
			"name that URL itself if it is correct")
	}
	req.URL.User = nil
	req.Header = defaultHeader()
	return nil
}

// trusted reports whether req and all requests before it go to the origin of the
// first one. Otherwise another host could use a detour to get at secret headers.
func trusted(req *http.Request, via []*http.Request) bool {
	first := via[0].URL
	return sameOrigin(first, req.URL) && !slices.ContainsFunc(via, func(r *http.Request) bool { return !sameOrigin(first, r.URL) })
}

// sameOrigin reports whether b has the host and port of a, or is its host over
// TLS.
func sameOrigin(a, b *url.URL) bool {
	return a.Hostname() == b.Hostname() &&
		(a.Scheme == b.Scheme && portOf(a) == portOf(b) || a.Scheme == "http" && b.Scheme == "https")
}

func portOf(u *url.URL) string {
	if u.Scheme == "https" {
		return cmp.Or(u.Port(), "443")
	}
	return cmp.Or(u.Port(), "80")
}

func withoutUser(u *url.URL) *url.URL {
	plain := *u
	plain.User = nil
	return &plain
}
