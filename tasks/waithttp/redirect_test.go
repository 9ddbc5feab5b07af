package waithttp

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// redirecting answers /PATH as the map says, and every other path with 200.
func redirecting(t *testing.T, to map[string]string) string {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, r *http.Request) {
		if location, ok := to[r.URL.Path]; ok {
			http.Redirect(w, r, location, http.StatusFound)
		}
		fmt.Fprintf(w, "at %s", r.URL.Path)
	})
}

func TestRedirects(t *testing.T) {
	refusing := testnet.Closed(t)
	url := redirecting(t, map[string]string{
		"/once": "/there", "/twice": "/once", "/loop": "/loop2", "/loop2": "/loop", "/self": "/self",
		"/gone": "http://" + refusing + "/x?token=hush", "/ftp": "ftp://a.example/", "/bad": "http://a.example:99999/", "/broken": "http://[",
	})
	for name, test := range map[string]struct {
		path        string
		configure   func(*Task)
		words, next string
	}{
		"followed":            {"/twice", func(t *Task) { t.ExpectBody = []string{"at /there"} }, "", ""},
		"just enough":         {"/twice", func(t *Task) { t.FollowRedirects = 2 }, "", ""},
		"too many":            {"/twice", func(t *Task) { t.FollowRedirects = 1 }, "more than 1 redirects, the last one to " + url + "/there", "--follow-redirects"},
		"not followed":        {"/once", func(t *Task) { t.FollowRedirects = 0 }, "got 302 (Found), want 2xx", "--follow-redirects"},
		"asked for":           {"/once", func(t *Task) { t.Status = []string{"302"} }, "", ""},
		"asked for, no limit": {"/once", func(t *Task) { t.FollowRedirects, t.Status = 0, []string{"3xx"} }, "", ""},
		"fatal":               {"/once", func(t *Task) { t.FailOn = []string{"302"} }, "got 302 (Found), which --fail-on names", ""},
		"loop":                {"/loop", nil, "redirect loop: 302 leads back to " + url + "/loop", "external URL"},
		"loop of one":         {"/self", nil, "redirect loop: 302 leads back to " + url + "/self", "external URL"},
		"judged at the end":   {"/once", func(t *Task) { t.Status = []string{"204"} }, "got 200 (OK) after a redirect to '" + url + "/there', want 204", ""},
		"fails at the end":    {"/gone", nil, "after a redirect to 'http://" + refusing + "/x?token=***': connection refused", "endpointslices"},
		"another scheme":      {"/ftp", nil, `unsupported protocol scheme "ftp"`, ""},
		"bad port":            {"/bad", nil, "the port is not from 1 to 65535", ""},
		"no URL":              {"/broken", nil, "failed to parse Location header", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := attempt(t, test.configure, url+test.path)
			if test.words == "" {
				wantReady(t, err)
			} else {
				wantNotReady(t, err, test.words, test.next)
			}
		})
	}
}

// Headers, credentials and body go only to the host and port of the URL.
func TestRedirectKeepsSecrets(t *testing.T) {
	var seen atomic.Pointer[http.Header]
	away := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(&r.Header)
		if back := r.URL.Query().Get("back"); back != "" {
			http.Redirect(w, r, back, http.StatusFound)
		}
	})
	home := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, away, http.StatusFound)
		case "/away-and-back":
			http.Redirect(w, r, away+"/?back=http://"+r.Host+"/end", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/end", http.StatusFound)
		case "/body":
			http.Redirect(w, r, away, http.StatusTemporaryRedirect)
		case "/body-here":
			http.Redirect(w, r, "/end", http.StatusTemporaryRedirect)
		case "/end":
			seen.Store(&r.Header)
			_, _ = io.Copy(w, r.Body)
		}
	})
	token, headers := file(t, "token-hush"), file(t, "X-Api-Key: key-hush\n")
	secret := func(t *Task) { t.BearerTokenFile, t.HeaderFile = token, headers }
	for path, kept := range map[string]bool{"/here": true, "/away": false, "/away-and-back": false} {
		wantReady(t, attempt(t, secret, home+path+"?token=query-hush"))
		got := fmt.Sprint(*seen.Load())
		if strings.Contains(got, "token-hush") != kept || strings.Contains(got, "key-hush") != kept {
			t.Errorf("%s: the last server saw %s", path, got)
		}
		if strings.Contains(got, "query-hush") {
			t.Errorf("%s: the secret in the query went on as Referer: %s", path, got)
		}
	}
	user := strings.Replace(home, "http://", "http://me:pass-hush@", 1)
	wantReady(t, attempt(t, nil, user+"/away"))
	if got := fmt.Sprint(*seen.Load()); strings.Contains(got, "Authorization") {
		t.Errorf("the user of the URL was sent elsewhere: %s", got)
	}
	post := func(t *Task) { t.Method, t.Body = "POST", "body-hush" }
	wantNotReady(t, attempt(t, post, home+"/body"), "307 redirects the body, which is sent to the host of the URL only, to "+away, "name that URL")
	wantReady(t, attempt(t, func(t *Task) { post(t); t.ExpectBody = []string{"body-hush"} }, home+"/body-here"))
}

func TestSameOrigin(t *testing.T) {
	for _, test := range []struct {
		from, to string
		same     bool
	}{
		{"http://a", "http://a:80/x", true}, {"https://a:443", "https://a/x", true}, {"http://a", "https://a", true},
		{"http://a:8080", "https://a:8443", true}, {"https://a", "http://a", false}, {"http://a", "http://a:81", false},
		{"https://a", "https://a:444", false}, {"http://a", "http://b", false}, {"http://a", "http://sub.a", false},
	} {
		from, _ := parseTarget(test.from)
		to, _ := parseTarget(test.to)
		if got := sameOrigin(from.url, to.url); got != test.same {
			t.Errorf("sameOrigin(%s, %s) = %v", test.from, test.to, got)
		}
	}
}
