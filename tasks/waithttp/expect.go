package waithttp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"

	"github.com/initbox/initbox/internal/text"
)

// maxBody is how many bytes of a body are read.
const maxBody = 1 << 20

// expectations are the conditions under which an answer counts as ready.
type expectations struct {
	status  statusSet
	failOn  statusSet
	text    []string
	regexps []*regexp.Regexp
	json    []jsonValue
	fields  []field
	present []string // headers that must be there, with any value
}

// A jsonValue is a value that a JSON body must have at a path.
type jsonValue struct {
	path  jsonPath
	value string
}

// An answer is the answer of a server.
type answer struct {
	status int
	header http.Header
	body   []byte
	cut    bool // the body is longer than maxBody
}

// expectations reads the flags and returns every fault in them.
func (t *Task) expectations() (*expectations, error) {
	e := &expectations{}
	var errs []error
	bad := func(flag string, err error) {
		if err != nil {
			errs = append(errs, fmt.Errorf("--%s: %w", flag, err))
		}
	}
	var err error
	e.status, err = parseStatuses(t.Status)
	bad("status", err)
	if len(t.Status) == 0 {
		bad("status", errors.New("it is empty: write for instance 2xx"))
	}
	e.failOn, err = parseStatuses(t.FailOn)
	bad("fail-on", err)
	if s := e.status.overlaps(e.failOn); s != 0 {
		bad("fail-on", fmt.Errorf("%d is in --status too: it can be either ready or fatal", s))
	}
	for _, s := range t.ExpectBody {
		if s == "" {
			bad("expect-body", errors.New("it is empty, which every body contains"))
		}
	}
	e.text = t.ExpectBody
	for _, s := range t.ExpectBodyRegexp {
		re, err := regexp.Compile(s)
		bad("expect-body-regexp", err)
		e.regexps = append(e.regexps, re)
	}
	for _, s := range t.ExpectJSON {
		path, value, err := cutPath(s)
		if err != nil {
			bad("expect-json", fmt.Errorf("%q: %w", s, err))
		}
		e.json = append(e.json, jsonValue{path, value})
	}
	for _, s := range t.ExpectHeaders {
		bad("expect-header", e.addField(s))
	}
	return e, errors.Join(errs...)
}

func (e *expectations) addField(s string) error {
	if !strings.Contains(s, ":") {
		name := strings.TrimSpace(s)
		if !httpguts.ValidHeaderFieldName(name) {
			return fmt.Errorf("%q: not the name of a header: write NAME or NAME: VALUE", s)
		}
		e.present = append(e.present, http.CanonicalHeaderKey(name))
		return nil
	}
	f, err := parseField(s)
	if err != nil {
		return fmt.Errorf("%q: %w", s, err)
	}
	e.fields = append(e.fields, f)
	return nil
}

// unmet returns, in words, the expectations that the answer does not meet, apart
// from its status. body reports whether they include the body. Text from the
// server goes through show, which hides secrets and shortens it.
func (e *expectations) unmet(a *answer, show func(string) string) (faults []string, body bool) {
	for _, name := range e.present {
		if len(a.header.Values(name)) == 0 {
			faults = append(faults, "header "+name+" is missing")
		}
	}
	for _, f := range e.fields {
		faults = append(faults, f.unmet(a.header, show)...)
	}
	inHeader := len(faults)
	for _, s := range e.text {
		if !bytes.Contains(a.body, []byte(s)) {
			faults = append(faults, fmt.Sprintf("body lacks %q", text.Clip(s)))
		}
	}
	for _, re := range e.regexps {
		if !re.Match(a.body) {
			faults = append(faults, fmt.Sprintf("body does not match %q", text.Clip(re.String())))
		}
	}
	faults = append(faults, e.unmetJSON(a, show)...)
	return faults, len(faults) > inHeader
}

func (f field) unmet(h http.Header, show func(string) string) []string {
	values := h.Values(f.name)
	if len(values) == 0 {
		return []string{"header " + f.name + " is missing"}
	}
	if slices.ContainsFunc(values, func(v string) bool { return strings.TrimSpace(v) == f.value }) {
		return nil
	}
	return []string{fmt.Sprintf("header %s is %q, not %q", f.name, show(values[0]), text.Clip(f.value))}
}

func (e *expectations) unmetJSON(a *answer, show func(string) string) []string {
	if len(e.json) == 0 {
		return nil
	}
	if a.cut {
		return []string{"body is larger than 1 MiB, too large for --expect-json"}
	}
	doc, err := decode(a.body)
	if err != nil {
		return []string{"body is not JSON"}
	}
	var faults []string
	for _, want := range e.json {
		got, err := want.path.lookup(doc)
		value, ok := scalar(got)
		switch {
		case err != nil:
			faults = append(faults, err.Error())
		case sameScalar(got, want.value):
		case ok:
			faults = append(faults, fmt.Sprintf("%s is %q, not %q", want.path, show(value), text.Clip(want.value)))
		default:
			faults = append(faults, fmt.Sprintf("%s is %s, not %q", want.path, kind(got), text.Clip(want.value)))
		}
	}
	return faults
}

// decode reads one JSON document and keeps its numbers as they were written.
func decode(body []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc any
	if err := d.Decode(&doc); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("more text follows the document")
	}
	return doc, nil
}
