package waithttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/tasks"
)

// A prober asks one URL.
type prober struct {
	client *client
	target target
}

// probe makes one attempt, all of it within ctx.
func (p *prober) probe(ctx context.Context) error {
	req, err := p.request(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	cs := &connections{client: p.client, target: p.target, ctx: ctx}
	defer cs.close()
	defer cancel()

	hc := &http.Client{Transport: cs.transport(), CheckRedirect: p.client.checkRedirect}
	resp, err := hc.Do(req)
	if err != nil {
		if resp != nil { // checkRedirect has refused to go on
			resp.Body.Close()
			return p.refused(err)
		}
		ended := ctx.Err()
		if ended == nil && (errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)) {
			ended = context.DeadlineExceeded // a system call noticed the deadline before the context's timer
		}
		if ended == nil {
			cs.readAlert()
		}
		cancel()
		cs.close() // waits for a dial under way, whose error is the reason
		return p.explain(cs, ended, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return p.explainBody(ctx.Err(), resp, err)
	}
	a := &answer{status: resp.StatusCode, header: resp.Header, body: body[:min(len(body), maxBody)], cut: len(body) > maxBody}
	return p.judge(a, resp)
}

// defaultHeader is what a request has as long as the user sets nothing else.
func defaultHeader() http.Header { return http.Header{"User-Agent": {"initbox"}, "Accept": {"*/*"}} }

// request makes a new request for each attempt: a body can be read only once, and
// the token may have changed.
func (p *prober) request(ctx context.Context) (*http.Request, error) {
	c := p.client
	var body io.Reader
	if len(c.body) > 0 {
		body = bytes.NewReader(c.body)
	}
	req, err := http.NewRequestWithContext(ctx, c.task.Method, p.target.url.String(), body)
	if err != nil {
		return nil, tasks.Usagef("%s: cannot make the request: %w", p.target.name, err)
	}
	req.Header = defaultHeader()
	maps.Copy(req.Header, c.header.Clone())
	req.Host = c.task.Host
	switch u := p.target.user; {
	case c.token != "":
		token, err := c.currentToken(ctx)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	case u != nil && req.Header.Get("Authorization") == "":
		password, _ := u.Password()
		req.SetBasicAuth(u.Username(), password)
	}
	return req, nil
}

// judge returns nil if the answer is as expected.
func (p *prober) judge(a *answer, resp *http.Response) error {
	e := p.client.expect
	switch {
	case e.failOn.has(a.status):
		return tasks.WithNext(tasks.Finalf("%s, which --fail-on names%s", p.got(resp), p.starts(a)), p.nextForStatus(a, resp))
	case !e.status.has(a.status):
		return p.notYet(p.got(resp)+", want "+e.status.String(), p.starts(a), p.nextForStatus(a, resp))
	case p.client.task.HTTP2PriorKnowledge && resp.ProtoMajor < 2:
		return tasks.WithNext(errors.New(p.got(resp)+", but in "+resp.Proto+", not HTTP/2"), nextNoHTTP2)
	}
	faults, aboutBody := e.unmet(a, p.show)
	if len(faults) == 0 {
		return nil
	}
	text, starts := p.got(resp)+", but "+strings.Join(faults, "; "), ""
	if aboutBody {
		starts = p.starts(a)
	}
	return p.notYet(text, starts, "the server answers but is not as expected: look at its log, and check the expectations of wait-http")
}

// notYet is the error for an answer that is not as expected. A body often contains
// a time or an id that differs at every attempt, which does not make the failure a
// new one.
func (p *prober) notYet(text, starts, next string) error {
	return &tasks.Error{Err: errors.New(text + starts), Next: next, Cause: text + fixed(starts)}
}

// got returns the status and, if the answer does not come straight from the URL,
// how it came about.
func (p *prober) got(resp *http.Response) string {
	text := "got " + strconv.Itoa(resp.StatusCode)
	if name := http.StatusText(resp.StatusCode); name != "" {
		text += " (" + name + ")"
	}
	if resp.Request.Response != nil {
		text += " after a redirect to '" + p.show(nameOf(withoutUser(resp.Request.URL))) + "'"
	}
	return text + p.throughProxy(resp.Request)
}

// starts returns a phrase that shows the beginning of the body.
func (p *prober) starts(a *answer) string {
	if len(bytes.TrimSpace(a.body)) == 0 {
		return "; the body is empty"
	}
	return "; body starts '" + p.show(string(a.body[:min(len(a.body), window)])) + "'"
}

// window is how many bytes of a body are searched for secrets before it is
// clipped, so that no secret is cut and shown in part.
const window = 64 << 10

// fixed returns s without the words that may differ at every attempt: words with a
// digit, such as numbers, times and ids.
func fixed(s string) string {
	inWord := func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("_:.+-", r)
	}
	words := strings.FieldsFunc(s, func(r rune) bool { return !inWord(r) })
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return strings.ContainsFunc(w, unicode.IsDigit) }), " ")
}

// show returns s without secrets, on one line of limited length.
func (p *prober) show(s string) string {
	return text.Clip(p.client.secrets.Text(s[:min(len(s), window)]))
}
