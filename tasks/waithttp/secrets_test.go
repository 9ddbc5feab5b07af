package waithttp

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/tasks"
)

// echo refuses the request and quotes it in the answer, as some servers do.
func echo(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusForbidden)
	user, password, _ := r.BasicAuth()
	fmt.Fprintf(w, "auth %s key %s cookie %s user %s %s", r.Header.Get("Authorization"), r.Header.Get("X-Api-Key"), r.Header.Get("Cookie"), user, password)
}

func TestSecretsAreNotShown(t *testing.T) {
	url := serve(t, echo)
	token, basic := file(t, "hush-token\n"), file(t, "user:hush:password\n")
	headers := file(t, "# a comment\n\nX-Api-Key: hush-key\r\nAuthorization: Bearer hush-bearer\n")
	encoded := base64.StdEncoding.EncodeToString([]byte("user:hush:password"))
	withUser := strings.Replace(url, "http://", "http://user:hush%3Apassword@", 1)
	for name, test := range map[string]struct {
		url       string
		configure func(*Task)
		sent      string // text in the answer that proves that the secret was sent
	}{
		"token":         {url, func(t *Task) { t.BearerTokenFile = token }, "auth Bearer *** key"},
		"basic":         {url, func(t *Task) { t.BasicAuthFile = basic }, "auth Basic *** key cookie user user ***"},
		"user of URL":   {withUser, nil, "auth Basic *** key cookie user user ***"},
		"header file":   {url, func(t *Task) { t.HeaderFile = headers }, "auth *** key *** cookie"},
		"header":        {url, func(t *Task) { t.Headers = []string{"Authorization: Bearer hush-bearer", "Cookie: hush-key"} }, "auth *** key cookie ***"},
		"query":         {url + "/?token=hush-token&a=b", nil, "auth key"},
		"refused, user": {strings.Replace("http://"+testnet.Closed(t), "http://", "http://user:hush%3Apassword@", 1), nil, "connection refused"},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := explained(t, test.sent, test.configure, test.url)
			env := tasks.NewEnv(newLog(io.Discard), io.Discard, false)
			_ = configured(t, test.configure, test.url).Run(cancelled(t), env)
			all := log + textOf(err) + tasks.NextOf(err) + env.Activity() + strings.Join(env.Summary(), " ")
			if strings.Contains(all, "hush") || strings.Contains(all, encoded) {
				t.Errorf("a secret is shown:\n%s", all)
			}
			if !strings.Contains(textOf(err), test.sent) {
				t.Errorf("got %v, want %s", err, test.sent)
			}
		})
	}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func TestCredentialsAreSent(t *testing.T) {
	var auth atomic.Value
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) { auth.Store(r.Header.Get("Authorization")) })
	token, basic := file(t, "abc.def\n"), file(t, "user:pass:word\n")
	for want, configure := range map[string]func(*Task){
		"Bearer abc.def": func(t *Task) { t.BearerTokenFile = token },
		"Basic " + base64.StdEncoding.EncodeToString([]byte("user:pass:word")): func(t *Task) { t.BasicAuthFile = basic },
		"Custom x": func(t *Task) { t.Headers = []string{"authorization: Custom x"} },
	} {
		wantReady(t, attempt(t, configure, url))
		if got := auth.Load(); got != want {
			t.Errorf("the server got %q, want %q", got, want)
		}
	}
}

// kubelet replaces a token by renaming a folder; the next attempt must use it.
func TestTokenIsReadAgain(t *testing.T) {
	path := file(t, "old-token")
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "Bearer new-token" {
			return
		}
		next := path + ".new"
		if err := os.WriteFile(next, []byte("new-token"), 0o600); err == nil {
			_ = os.Rename(next, path)
		}
		w.WriteHeader(http.StatusUnauthorized)
	})
	log, err := run(t, patience, func(t *Task) { t.BearerTokenFile = path }, url)
	wantReady(t, err)
	if strings.Contains(log, "-token") {
		t.Errorf("a token is shown:\n%s", log)
	}
}

func TestBadFiles(t *testing.T) {
	dir := t.TempDir()
	missing, big := filepath.Join(dir, "missing"), file(t, strings.Repeat("x", 1<<20+1))
	empty, lines := file(t, "\n"), file(t, "hush one\nhush two\n")
	noColon, authorization := file(t, "hush"), file(t, "Authorization: hush")
	cert, key := files(t, newCA(t, "A").leaf(t, nil))
	_, otherKey := files(t, newCA(t, "B").leaf(t, nil))
	for name, test := range map[string]struct {
		configure func(*Task)
		words     string
	}{
		"CA missing":       {func(t *Task) { t.CA = missing }, "--ca " + missing + ": there is no such file"},
		"CA without any":   {func(t *Task) { t.CA = lines }, "--ca " + lines + ": it holds no certificate in PEM form"},
		"CA a folder":      {func(t *Task) { t.CA = dir }, "--ca " + dir + ": it is a directory"},
		"CA too large":     {func(t *Task) { t.CA = big }, "--ca " + big + ": it is larger than 1 MiB"},
		"cert missing":     {func(t *Task) { t.ClientCert, t.ClientKey = missing, missing }, "--client-key " + missing + ": there is no such file"},
		"cert and key":     {func(t *Task) { t.ClientCert, t.ClientKey = cert, otherKey }, "private key does not match"},
		"cert no PEM":      {func(t *Task) { t.ClientCert, t.ClientKey = lines, key }, "--client-cert " + lines + " and --client-key " + key + ": "},
		"token missing":    {func(t *Task) { t.BearerTokenFile = missing }, "--bearer-token-file " + missing + ": there is no such file"},
		"token empty":      {func(t *Task) { t.BearerTokenFile = empty }, "--bearer-token-file " + empty + ": it is empty"},
		"token of lines":   {func(t *Task) { t.BearerTokenFile = lines }, "--bearer-token-file " + lines + ": it holds more than one line"},
		"basic, no colon":  {func(t *Task) { t.BasicAuthFile = noColon }, ": it has no colon: write USER:PASSWORD"},
		"body missing":     {func(t *Task) { t.BodyFile = missing }, "--body-file " + missing + ": there is no such file"},
		"headers missing":  {func(t *Task) { t.HeaderFile = missing }, "--header-file " + missing + ": there is no such file"},
		"headers no colon": {func(t *Task) { t.HeaderFile = lines }, "--header-file " + lines + ", line 2: it has no colon"},
		"two identities":   {func(t *Task) { t.HeaderFile, t.BearerTokenFile = authorization, noColon }, "exclude each other"},
		"everything":       {func(t *Task) { t.CA, t.BodyFile, t.HeaderFile = missing, missing, missing }, "--body-file " + missing},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := run(t, patience, test.configure, "http://"+testnet.Open(t))
			if tasks.KindOf(err) != tasks.Usage || !strings.Contains(textOf(err), test.words) {
				t.Errorf("got %v (kind %v)\nwant a usage error with %s", err, tasks.KindOf(err), test.words)
			}
			if strings.Contains(textOf(err)+log, "hush") {
				t.Errorf("the content is shown: %v\n%s", err, log)
			}
		})
	}
}

// net/http reads the proxy variables once per process, so each case has its own
// process.
func TestProxy(t *testing.T) {
	if url := os.Getenv("WAITHTTP_TEST_URL"); url != "" {
		log, err := explained(t, os.Getenv("WAITHTTP_TEST_WORDS"), func(t *Task) { t.ProxyFromEnv = os.Getenv("WAITHTTP_TEST_PROXY") == "yes" }, url)
		fmt.Printf("outcome: %v next: %s log: %s\n", err, tasks.NextOf(err), log)
		return
	}
	var proxied atomic.Int64
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		proxied.Add(1)
		if r.Method == http.MethodConnect || r.URL.Path == "/503" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	proxy = strings.Replace(proxy, "http://", "http://me:hush-hush@", 1)
	closed := testnet.Closed(t)
	for name, test := range map[string]struct {
		use, url, proxy string
		words           string
		asked           bool
	}{
		"ignored":   {"no", "http://app.invalid/", proxy, "the name app.invalid does not resolve", false},
		"used":      {"yes", "http://app.invalid/", proxy, "outcome: <nil>", true},
		"503":       {"yes", "http://app.invalid/503", proxy, "got 503 (Service Unavailable) through the proxy http://127.0.0.1:", true},
		"CONNECT":   {"yes", "https://app.invalid/", proxy, "the proxy answers 503 to CONNECT app.invalid:443", true},
		"refused":   {"yes", "http://app.invalid/", "http://me:hush-hush@" + closed, "through the proxy http://" + closed + ": connection refused", false},
		"malformed": {"yes", "http://app.invalid/", "http://me:hush-hush@[", "the URL of the proxy in HTTP_PROXY or HTTPS_PROXY is malformed", false},
	} {
		t.Run(name, func(t *testing.T) {
			proxied.Store(0)
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestProxy$", "-test.v")
			cmd.Env = append(os.Environ(), "WAITHTTP_TEST_URL="+test.url, "WAITHTTP_TEST_PROXY="+test.use, "WAITHTTP_TEST_WORDS="+test.words,
				"HTTP_PROXY="+test.proxy, "HTTPS_PROXY="+test.proxy, "GORACE=atexit_sleep_ms=0", "NO_PROXY=", "no_proxy=", "http_proxy=", "https_proxy=")
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.Contains(string(out), test.words) {
				t.Errorf("%v: got %s\nwant %s", err, out, test.words)
			}
			if asked := proxied.Load() > 0; asked != test.asked {
				t.Errorf("the proxy was asked: %v\n%s", asked, out)
			}
			if strings.Contains(string(out), "hush") {
				t.Errorf("the proxy's password is shown: %s", out)
			}
		})
	}
}
