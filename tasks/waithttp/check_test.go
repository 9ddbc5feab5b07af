package waithttp

import (
	"strings"
	"testing"
)

// What Check refuses, and the message.
var badTasks = map[string]struct {
	configure func(*Task)
	words     string
}{
	"no URL":               {func(t *Task) { t.URLs = nil }, "no URL: name at least one"},
	"empty URL":            {func(t *Task) { t.URLs = []string{""} }, `URL "": it is empty`},
	"no scheme":            {func(t *Task) { t.URLs = []string{"api:8080/x"} }, `URL "api:8080/x": it has no scheme: write http://`},
	"another scheme":       {func(t *Task) { t.URLs = []string{"ftp://a/"} }, "the scheme is unknown"},
	"tcp":                  {func(t *Task) { t.URLs = []string{"tcp://a:1"} }, "use wait-tcp for tcp://"},
	"no host":              {func(t *Task) { t.URLs = []string{"http:///x"} }, "it has no host"},
	"port out of range":    {func(t *Task) { t.URLs = []string{"http://db:99999/"} }, "the port is not from 1 to 65535"},
	"port empty":           {func(t *Task) { t.URLs = []string{"http://db:/"} }, "it has a colon but no port"},
	"port no number":       {func(t *Task) { t.URLs = []string{"http://db:x/"} }, `it is malformed: invalid port ":x" after host`},
	"bad host":             {func(t *Task) { t.URLs = []string{"http://a..b/"} }, "a part of the name is empty"},
	"two in one":           {func(t *Task) { t.URLs = []string{"http://a http://b"} }, "give each URL as an argument of its own"},
	"socket not absolute":  {func(t *Task) { t.URLs = []string{"unix://run/s:/x"} }, "the path is not absolute: write unix:///SOCKET:/PATH"},
	"socket missing":       {func(t *Task) { t.URLs = []string{"unix:///:/x"} }, "it names no socket"},
	"password unescaped":   {func(t *Task) { t.URLs = []string{"http://me:hu/sh@a/"} }, `URL "http://***@a/": it is malformed: escape what is special`},
	"password and space":   {func(t *Task) { t.URLs = []string{"http://me:hu sh@a/"} }, `URL "http://***@a/": it holds a space`},
	"password, bad port":   {func(t *Task) { t.URLs = []string{"http://me:hush@a:0/?token=hush"} }, `URL "http://***@a:0/?...": host and port "a:0"`},
	"password, no scheme":  {func(t *Task) { t.URLs = []string{"me:hush@a/"} }, `URL "***@a/": it has no scheme`},
	"status":               {func(t *Task) { t.Status = []string{"20"} }, `--status: "20": not a status`},
	"status class":         {func(t *Task) { t.Status = []string{"2xy"} }, `--status: "2xy": not a status`},
	"status range":         {func(t *Task) { t.Status = []string{"300-200"} }, "--status: \"300-200\": the range is the wrong way round: write 200-300"},
	"status empty":         {func(t *Task) { t.Status = nil }, "--status: it is empty"},
	"status and fail-on":   {func(t *Task) { t.FailOn = []string{"204"} }, "--fail-on: 204 is in --status too"},
	"fail-on":              {func(t *Task) { t.FailOn = []string{"never"} }, `--fail-on: "never": not a status`},
	"regexp":               {func(t *Task) { t.ExpectBodyRegexp = []string{"("} }, "--expect-body-regexp: error parsing regexp: missing closing )"},
	"expect nothing":       {func(t *Task) { t.ExpectBody = []string{""} }, "--expect-body: it is empty"},
	"JSON no value":        {func(t *Task) { t.ExpectJSON = []string{"a.b"} }, `--expect-json: "a.b": it has no equals sign`},
	"JSON no path":         {func(t *Task) { t.ExpectJSON = []string{"=b"} }, "the path is empty"},
	"JSON root":            {func(t *Task) { t.ExpectJSON = []string{"$.a=b"} }, "leave out $"},
	"JSON empty key":       {func(t *Task) { t.ExpectJSON = []string{"a..b=c"} }, "the path has an empty key"},
	"JSON bracket":         {func(t *Task) { t.ExpectJSON = []string{"a[b]=c"} }, "not an index"},
	"JSON open bracket":    {func(t *Task) { t.ExpectJSON = []string{"a[0=c"} }, "not an index"},
	"JSON after bracket":   {func(t *Task) { t.ExpectJSON = []string{"a[0]b=c"} }, "a dot is missing after a bracket"},
	"expected header":      {func(t *Task) { t.ExpectHeaders = []string{"a b"} }, "not the name of a header"},
	"header no colon":      {func(t *Task) { t.Headers = []string{"A: b", "hush"} }, "--header, number 2: it has no colon"},
	"header name":          {func(t *Task) { t.Headers = []string{"hush hush: x"} }, "--header, number 1: the part before the colon"},
	"header line break":    {func(t *Task) { t.Headers = []string{"X: hush\r\nY: hush"} }, "--header, number 1: the value of X has a line break"},
	"header Host":          {func(t *Task) { t.Headers = []string{"host: a"} }, "Host cannot be set: use --host"},
	"header length":        {func(t *Task) { t.Headers = []string{"content-length: 5"} }, "Content-Length cannot be set"},
	"method":               {func(t *Task) { t.Method = "GET /" }, `--method: "GET /" is not a method`},
	"method lower-case":    {func(t *Task) { t.Method = "post" }, "write POST"},
	"method CONNECT":       {func(t *Task) { t.Method = "CONNECT" }, "CONNECT is for proxies"},
	"method HEAD and body": {func(t *Task) { t.Method, t.ExpectBody = "HEAD", []string{"x"} }, "--method HEAD gets no body"},
	"two bodies":           {func(t *Task) { t.Body, t.BodyFile = "hush", "x" }, "--body and --body-file exclude each other"},
	"host":                 {func(t *Task) { t.Host = "a/b" }, `--host: "a/b" is not a host`},
	"host line break":      {func(t *Task) { t.Host = "a\r\nX: y" }, "is not a host"},
	"insecure and CA":      {func(t *Task) { t.Insecure, t.CA = true, "x" }, "--insecure and --ca exclude each other"},
	"cert without key":     {func(t *Task) { t.ClientCert = "x" }, "--client-cert and --client-key belong together"},
	"key without cert":     {func(t *Task) { t.ClientKey = "x" }, "--client-cert and --client-key belong together"},
	"server name":          {func(t *Task) { t.ServerName = "a:443" }, `--server-name: "a:443" is not a name`},
	"two identities":       {func(t *Task) { t.BearerTokenFile, t.BasicAuthFile = "x", "y" }, "--bearer-token-file and --basic-auth-file exclude"},
	"identity and header":  {func(t *Task) { t.BearerTokenFile, t.Headers = "x", []string{"Authorization: hush"} }, "--bearer-token-file and --header Authorization exclude"},
	"identity and user":    {func(t *Task) { t.BearerTokenFile, t.URLs = "x", []string{"http://me:hush@a/"} }, "--bearer-token-file and the user in the URL http://a/ exclude"},
}

func TestCheck(t *testing.T) {
	for name, test := range badTasks {
		t.Run(name, func(t *testing.T) {
			task := New()
			task.URLs = []string{"http://a.example/"}
			test.configure(task)
			err := task.Check()
			if err == nil || !strings.Contains(err.Error(), test.words) {
				t.Errorf("got %v\nwant %s", err, test.words)
			}
			if s := textOf(err); strings.Contains(s, "hu") && strings.Contains(s, "sh") {
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
}

func TestCheckTellsAll(t *testing.T) {
	task := New()
	task.URLs = []string{"a", "http://b:0"}
	task.Method, task.Headers, task.Status, task.ClientKey = "", []string{"x"}, []string{"1"}, "k"
	err := textOf(task.Check())
	for _, words := range []string{`URL "a"`, `URL "http://b:0"`, "--method", "--header", "--status", "--client-key"} {
		if !strings.Contains(err, words) {
			t.Errorf("%s is not named in:\n%s", words, err)
		}
	}
}

func TestTargets(t *testing.T) {
	for s, want := range map[string]struct{ name, url, address string }{
		"http://api":                        {"http://api", "http://api", "api:80"},
		"HTTPS://u:p@api/x?token=abc&a=b#c": {"https://api/x?token=***&a=b", "https://api/x?token=abc&a=b", "api:443"},
		"http://[::1]:81/":                  {"http://[::1]:81/", "http://[::1]:81/", "[::1]:81"},
		"http://a/?token=x'y":               {"http://a/?token=***", "http://a/?token=x'y", "a:80"},
		"unix:///run/app.sock":              {"unix:///run/app.sock:/", "http://localhost/", "unix:///run/app.sock"},
		"unix:///run/a:b.sock:/x:/y?z=1":    {"unix:///run/a:b.sock:/x:/y?z=1", "http://localhost/x:/y?z=1", "unix:///run/a:b.sock"},
		"unix:///run/app.sock:/?token=abc":  {"unix:///run/app.sock:/?token=***", "http://localhost/?token=abc", "unix:///run/app.sock"},
	} {
		got, err := parseTarget(s)
		if err != nil {
			t.Errorf("%s: %v", s, err)
			continue
		}
		if got.name != want.name || got.url.String() != want.url || got.address.String() != want.address {
			t.Errorf("%s: got %s, %s, %s, want %v", s, got.name, got.url, got.address, want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"http://a", "https://u:p@[::1]:8/x?token=y", "unix:///s:/p", "http://u:p/w@h", "a", "http://%zz", "unix://", "http://a?token=x'y"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		target, err := parseTarget(s)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: the error has line breaks: %v", s, err)
			}
			return
		}
		if target.url.User != nil || target.url.Host == "" || target.name == "" {
			t.Errorf("%q: %+v", s, target)
		}
	})
}

// A distinctive password must not be in any error or name.
func FuzzTargetSecrets(f *testing.F) {
	f.Add("http://user:", "@host:99999/")
	f.Add("user:", "@host")
	f.Add("https://a b:", "/@host/?x")
	f.Add("http://host/?password=", "'&x=y")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "hUsHhUsH"
		if !strings.HasSuffix(before, ":") || !strings.Contains(before, "user") || !strings.Contains(after, "@") || strings.ContainsAny(before, "@?#/\\") && !strings.HasPrefix(before, "http") {
			return
		}
		target, err := parseTarget(before + secret + after)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%q: the error shows the password: %v", before+secret+after, err)
		}
		if err == nil && target.user != nil && strings.Contains(target.name, secret) {
			t.Errorf("the name shows the password: %s", target.name)
		}
	})
}

func FuzzStatuses(f *testing.F) {
	for _, s := range []string{"200", "2xx", "300-399", "200,404", "0xx", "-", "99-1000", "2XX, 5xx"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		set, err := parseStatuses(strings.Split(s, ","))
		if err != nil {
			return
		}
		again, err := parseStatuses(strings.Split(set.String(), ", "))
		if err != nil || again.String() != set.String() {
			t.Errorf("%q: %v is read back as %v, %v", s, set, again, err)
		}
		if set.has(99) || set.has(1000) || len(set) == 0 {
			t.Errorf("%q: %v", s, set)
		}
	})
}

func FuzzJSONPath(f *testing.F) {
	for _, s := range []string{"a=b", "a.b[0].1=c", `a\.b\=c=d`, "[0].a=", `\`, "a..b=c", "a[=b", `\$.a=b`, "[0][1]=2"} {
		f.Add(s, `{"a": [{"b": 1}], "c": "d"}`)
	}
	f.Fuzz(func(t *testing.T, s, doc string) {
		path, value, err := cutPath(s)
		if err != nil {
			return
		}
		again, same, err := cutPath(path.String() + "=" + value)
		if err != nil || again.String() != path.String() || same != value || len(again) != len(path) {
			t.Errorf("%q: %q is read back as %q, %v", s, path, again, err)
		}
		if parsed, err := decode([]byte(doc)); err == nil {
			if got, err := path.lookup(parsed); err == nil {
				_ = sameScalar(got, value)
			}
		}
	})
}
