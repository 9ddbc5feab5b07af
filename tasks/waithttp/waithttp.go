package waithttp

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/spf13/pflag"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/flags"
	"github.com/initbox/initbox/internal/wait"
	"github.com/initbox/initbox/tasks"
)

// Spec is the task wait-http.
var Spec = tasks.Spec{
	Name:  "wait-http",
	Group: "wait",
	Doc: `wait until HTTP servers answer as expected

A target is http://HOST[:PORT]/PATH, https://HOST[:PORT]/PATH or, for HTTP over a
unix socket, unix:///SOCKET:/PATH (unix:///run/app.sock:/healthz). The task asks
all URLs at the same time. Each attempt opens its own connection and closes it.
The pace is that of wait-tcp: fast for half a minute, then slower, down to one
attempt per --max-interval. A server that accepts a connection and then hangs is
asked again while the first attempt still waits.

Only a status 2xx is ready, unless --status says otherwise. With --expect-body,
--expect-body-regexp, --expect-json and --expect-header the answer must match as
well: each flag may be given more than once, and all must hold. A status that
--fail-on names ends the wait at once with exit code 3.

--expect-json takes PATH=VALUE. PATH is a list of keys with dots between them. A
number selects an element of an array: status.components.0.state or
status.components[0].state. A backslash makes a dot, bracket or equals sign part
of a key: checks.db\.main=UP. VALUE is compared with a string, a number, true,
false or null.

The body must arrive in full, but only the first 1 MiB of it is read. If it is
longer, --expect-body and --expect-body-regexp look at the first 1 MiB, and
--expect-json fails.

Redirects are followed up to --follow-redirects, except those whose status
--status or --fail-on names. Headers, credentials and body go only to the host and
port of the URL (and from http to https on that host). A redirect to another place
does not get them.

Credentials belong in files: --header-file (one NAME: VALUE per line),
--bearer-token-file (read again at every attempt, because kubelet rotates it) and
--basic-auth-file (USER:PASSWORD). They are sent to every URL that is given.
HTTP_PROXY and the like are ignored unless --proxy-from-env is set, because a
proxy that answers 503 for a missing service looks like that service.`,
	Args:    "url...",
	Timeout: 5 * time.Minute,
	Examples: []tasks.Example{
		{Doc: "two services", Command: "initbox wait-http http://auth/healthz http://config:8888/actuator/health"},
		{Doc: "an answer that says it is ready", Command: "initbox wait-http --expect-json status=UP http://config:8888/actuator/health"},
		{Doc: "a private CA; wrong credentials end the wait", Command: "initbox wait-http --ca /ca/ca.crt --bearer-token-file /var/run/secrets/kubernetes.io/serviceaccount/token --fail-on 401,403 https://kubernetes.default/readyz"},
		{Doc: "a sidecar's socket", Command: "initbox wait-http unix:///run/app.sock:/healthz"},
		{Doc: "one node of a cluster is enough", Command: "initbox wait-http --any http://es-0.es:9200/ http://es-1.es:9200/"},
	},
	Needs: tasks.Needs{Mounts: []string{"the files that flags name: CA, client certificate, token; read-only"}},
	Container: `args:
  - wait-http
  - --ca=/ca/ca.crt
  - --bearer-token-file=/secrets/token
  - --fail-on=401,403    # wrong credentials stay wrong: end at once, exit code 3
  - https://api.example/healthz
volumeMounts:
  - {name: ca, mountPath: /ca, readOnly: true}
  - {name: api-token, mountPath: /secrets, readOnly: true}`,
	New: func() tasks.Task { return New() },
}

// A Task waits for HTTP servers.
type Task struct {
	wait.Options
	URLs []string // http://, https:// or unix:///SOCKET:/PATH; at least one

	Method     string
	Headers    []string // "NAME: VALUE"
	HeaderFile string   // one "NAME: VALUE" per line
	Host       string   // Host header, "" for the URL's
	Body       string
	BodyFile   string

	Status           []string // statuses that are ready: "200", "300-399", "2xx"
	FailOn           []string // statuses that end the wait, written as in Status
	ExpectBody       []string // substrings
	ExpectBodyRegexp []string
	ExpectJSON       []string // PATH=VALUE
	ExpectHeaders    []string // "NAME: VALUE", or "NAME" for any value
	FollowRedirects  int      // most redirects to follow; 0 for none

	CA                  string // file of the CAs to trust, "" for the system's
	ClientCert          string
	ClientKey           string
	ServerName          string // for SNI and the certificate, "" for the URL's host
	Insecure            bool   // accept any certificate
	HTTP2PriorKnowledge bool
	ProxyFromEnv        bool

	BearerTokenFile string
	BasicAuthFile   string // USER:PASSWORD

	Resolver *net.Resolver // for names; nil for the system's
}

// New returns a Task with its defaults.
func New() *Task {
	return &Task{
		Options:         wait.Defaults(5 * time.Second),
		Method:          "GET",
		Status:          []string{"2xx"},
		FollowRedirects: 10,
	}
}

// overlap is how many attempts may be under way for one URL. A request costs the
// server more than a connection does, so they are few.
const overlap = 4

// Flags implements [tasks.Task].
func (t *Task) Flags(fs *pflag.FlagSet) {
	fs.StringArrayVar(&t.URLs, "url", t.URLs, "`URL` to wait for: http://, https:// or unix:///SOCKET:/PATH; repeatable")
	t.Options.Flags(fs)

	fs.StringSliceVar(&t.Status, "status", t.Status, "`statuses` that are ready: numbers, ranges and classes, such as 200,300-399,4xx")
	fs.StringSliceVar(&t.FailOn, "fail-on", t.FailOn, "`statuses` that end the wait at once with exit code 3, such as 401,403")
	fs.StringArrayVar(&t.ExpectBody, "expect-body", t.ExpectBody, "`text` that the body must contain; repeatable")
	fs.StringArrayVar(&t.ExpectBodyRegexp, "expect-body-regexp", t.ExpectBodyRegexp, "regular `expression` (RE2) that must match in the body; repeatable")
	fs.StringArrayVar(&t.ExpectJSON, "expect-json", t.ExpectJSON, "`PATH=VALUE` that must hold in a JSON body, such as status.db[0].state=UP; repeatable")
	fs.StringArrayVar(&t.ExpectHeaders, "expect-header", t.ExpectHeaders, "`header` that the answer must have, NAME: VALUE or just NAME; repeatable")
	flags.Int(fs, &t.FollowRedirects, "follow-redirects", 0, 100, "how many redirects to follow; with 0, --status judges the redirect itself")

	fs.StringVar(&t.Method, "method", t.Method, "HTTP `method`")
	fs.StringArrayVar(&t.Headers, "header", t.Headers, "`header` to send, NAME: VALUE; repeatable; secrets belong in --header-file")
	fs.StringVar(&t.HeaderFile, "header-file", t.HeaderFile, "`file` of headers to send, one NAME: VALUE per line; the values are secrets")
	fs.StringVar(&t.Host, "host", t.Host, "Host header to send instead of the URL's `host`")
	fs.StringVar(&t.Body, "body", t.Body, "body to send at every attempt")
	fs.StringVar(&t.BodyFile, "body-file", t.BodyFile, "`file` with the body to send at every attempt")
	flags.Secret(fs, "header", "body")

	fs.StringVar(&t.CA, "ca", t.CA, "`file` with the CAs (PEM) to trust instead of the system's")
	fs.StringVar(&t.ClientCert, "client-cert", t.ClientCert, "`file` with the client certificate (PEM)")
	fs.StringVar(&t.ClientKey, "client-key", t.ClientKey, "`file` with the key (PEM) of the client certificate")
	fs.StringVar(&t.ServerName, "server-name", t.ServerName, "`name` that the server's certificate must be for, instead of the URL's host")
	fs.BoolVar(&t.Insecure, "insecure", t.Insecure, "accept any certificate")
	fs.BoolVar(&t.HTTP2PriorKnowledge, "http2-prior-knowledge", t.HTTP2PriorKnowledge, "speak HTTP/2 without asking, also to http:// (h2c)")
	fs.BoolVar(&t.ProxyFromEnv, "proxy-from-env", t.ProxyFromEnv, "obey HTTP_PROXY, HTTPS_PROXY and NO_PROXY")

	fs.StringVar(&t.BearerTokenFile, "bearer-token-file", t.BearerTokenFile, "`file` with a bearer token, read again at every attempt")
	fs.StringVar(&t.BasicAuthFile, "basic-auth-file", t.BasicAuthFile, "`file` with USER:PASSWORD for basic authentication")
}

// Run implements [tasks.Task].
func (t *Task) Run(ctx context.Context, env *tasks.Env) error {
	options := t.Fit(ctx)
	probers, err := t.probers(ctx, env, options.AttemptTimeout)
	if err != nil {
		return &tasks.Error{Kind: tasks.Usage, Err: err}
	}
	if t.Insecure {
		env.Log.Warn("any certificate is accepted because of --insecure")
	}
	targets := make([]wait.Target, len(probers))
	for i, p := range probers {
		targets[i] = wait.Target{Name: p.target.name, Probe: p.probe}
	}
	return options.All(ctx, env, overlap, targets)
}

// probers returns one prober for each URL. timeout is the limit of one attempt.
func (t *Task) probers(ctx context.Context, env *tasks.Env, timeout time.Duration) ([]*prober, error) {
	targets, err := t.targets()
	if err != nil {
		return nil, err
	}
	var client *client
	err = mount.OneVersion(ctx, func(files *mount.Reader) error {
		client, err = t.client(env, files)
		return err
	})
	if err != nil {
		return nil, err
	}
	client.timeout = timeout
	var (
		probers []*prober
		errs    []error
	)
	for _, target := range targets {
		if target.user != nil {
			client.addUser(target.user)
		}
		errs = append(errs, client.proxyFor(target, env))
		probers = append(probers, &prober{client: client, target: target})
	}
	return probers, errors.Join(errs...)
}
