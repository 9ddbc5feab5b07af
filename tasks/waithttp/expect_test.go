package waithttp

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/initbox/initbox/tasks"
)

const health = `{"status": {"state": "UP", "components": [{"name": "db", "state": "DOWN"}, {"lag": 12.50}]},
  "ready": true, "none": null, "a.b": {"x=y": "z"}, "n": 9007199254740993, "5": "five"}`

func TestExpectations(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Add("X-Many", "one")
		w.Header().Add("X-Many", "two")
		_, _ = io.WriteString(w, health)
	})
	json := func(want ...string) func(*Task) { return func(t *Task) { t.ExpectJSON = want } }
	header := func(want ...string) func(*Task) { return func(t *Task) { t.ExpectHeaders = want } }
	body := func(want ...string) func(*Task) { return func(t *Task) { t.ExpectBody = want } }
	pattern := func(want ...string) func(*Task) { return func(t *Task) { t.ExpectBodyRegexp = want } }
	for name, test := range map[string]struct {
		configure func(*Task)
		words     string // none if it is fine
	}{
		"text":              {body("UP", `"lag"`), ""},
		"no text":           {body("UP", "STARTED"), `got 200 (OK), but body lacks "STARTED"; body starts '{"status"`},
		"pattern":           {pattern(`"state":\s+"UP"`, `(?i)READY`), ""},
		"no pattern":        {pattern(`^UP$`), `body does not match "^UP$"; body starts`},
		"header":            {header("content-type: application/json", "X-Many: two", "X-Many"), ""},
		"other header":      {header("Content-Type: text/html"), `header Content-Type is "application/json", not "text/html"`},
		"no header":         {header("X-Ready: yes"), "header X-Ready is missing"},
		"no header at all":  {header("X-Ready"), "but header X-Ready is missing"},
		"string":            {json("status.state=UP"), ""},
		"other string":      {json("status.state=DOWN"), `status.state is "UP", not "DOWN"; body starts`},
		"index":             {json("status.components.0.state=DOWN", "status.components[0].name=db"), ""},
		"number":            {json("status.components[1].lag=12.5", "status.components[1].lag=12.50"), ""},
		"large number":      {json("n=9007199254740993"), ""},
		"other number":      {json("n=9007199254740992"), `n is "9007199254740993", not "9007199254740992"`},
		"bool and null":     {json("ready=true", "none=null"), ""},
		"escaped":           {json(`a\.b.x\=y=z`), ""},
		"key of digits":     {json("5=five"), ""},
		"missing key":       {json("status.healthy=1"), "the JSON has no status.healthy"},
		"missing index":     {json("status.components[2].x=1"), "the JSON has no status.components[2]: the array has 2 elements"},
		"key in an array":   {json("status.components.db=1"), `the JSON has an array at status.components: "db" is not an index`},
		"index in object":   {json("status[0]=1"), "the JSON has no status[0]"},
		"beyond a string":   {json("status.state.x=1"), "the JSON has no status.state.x: there is a string at status.state"},
		"object":            {json("status=UP"), `status is an object, not "UP"`},
		"all together":      {func(t *Task) { body("UP")(t); header("X-Many")(t); json("ready=true")(t); pattern("lag")(t) }, ""},
		"one of them wrong": {func(t *Task) { body("UP")(t); header("X-Many")(t); json("ready=false")(t); pattern("lag")(t) }, `ready is "true", not "false"`},
		"several wrong":     {func(t *Task) { body("a1")(t); header("X-No")(t); json("ready=false")(t) }, `header X-No is missing; body lacks "a1"; ready is "true", not "false"; body starts`},
	} {
		t.Run(name, func(t *testing.T) {
			err := attempt(t, test.configure, url)
			if test.words == "" {
				wantReady(t, err)
			} else {
				wantNotReady(t, err, test.words, "not as expected")
			}
		})
	}
	for _, body := range []string{"", "<html>", `{"a": 1`, `{"a": 1} {}`, strings.Repeat("[", 20000)} {
		wantNotReady(t, attempt(t, json("a=1"), answering(t, 200, body)), "body is not JSON", "")
	}
}

func TestStatus(t *testing.T) {
	for _, test := range []struct {
		status int
		want   string
		ready  bool
	}{
		{200, "2xx", true}, {204, "2XX", true}, {299, "2xx", true}, {300, "2xx", false}, {304, "2xx", false}, {404, "2xx", false},
		{404, "404", true}, {404, "200,401-404", true}, {405, "200, 401-404", false}, {301, "3xx", true}, {503, "2xx,5xx", true},
	} {
		err := attempt(t, func(t *Task) { t.Status = strings.Split(test.want, ",") }, answering(t, test.status, ""))
		if (err == nil) != test.ready {
			t.Errorf("%d with --status %s: %v", test.status, test.want, err)
		}
	}
}

func TestFailOn(t *testing.T) {
	configure := func(t *Task) { t.FailOn = []string{"401", "403", "500-599"} }
	log, err := run(t, patience, configure, answering(t, 403, "go away"), answering(t, 404, ""))
	wantNotReady(t, err, "got 403 (Forbidden), which --fail-on names; body starts 'go away'", "credentials")
	if tasks.KindOf(err) != tasks.Final {
		t.Errorf("the kind of %v is %v\n%s", err, tasks.KindOf(err), log)
	}
	if err := attempt(t, configure, answering(t, 404, "")); tasks.Permanent(err) {
		t.Errorf("404 is not in --fail-on: %v", err)
	}
}

func TestNextForStatus(t *testing.T) {
	for status, next := range map[int]string{
		401: "--bearer-token-file", 404: "--host", 405: "--method", 407: "proxy", 302: "--follow-redirects",
		503: "endpointslices", 500: "look at its log", 418: "--header",
	} {
		wantNotReady(t, attempt(t, nil, answering(t, status, "")), "got ", next)
	}
}
