package waithttp

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// A field is one header.
type field struct{ name, value string }

// parseField parses "NAME: VALUE". Its errors contain nothing of the value.
func parseField(s string) (field, error) {
	name, value, ok := strings.Cut(s, ":")
	name, value = strings.TrimSpace(name), strings.Trim(value, " \t")
	switch {
	case !ok:
		return field{}, errors.New("it has no colon: write NAME: VALUE")
	case !httpguts.ValidHeaderFieldName(name):
		return field{}, errors.New("the part before the colon is not the name of a header: write NAME: VALUE")
	case !httpguts.ValidHeaderFieldValue(value):
		return field{}, fmt.Errorf("the value of %s has a line break or another control character", name)
	}
	return field{http.CanonicalHeaderKey(name), value}, nil
}

// notToSend maps headers that belong to the connection to what the user should do
// or know instead.
var notToSend = map[string]string{
	"Host":              "use --host",
	"Content-Length":    "it follows from the body",
	"Transfer-Encoding": "it follows from the body",
	"Trailer":           "there are no trailers to send",
	"Connection":        "every attempt closes its connection",
	"Upgrade":           "there is nothing to upgrade to",
}

// sendable parses a header of a request.
func sendable(s string) (field, error) {
	f, err := parseField(s)
	if err != nil {
		return field{}, err
	}
	if why, ok := notToSend[f.name]; ok {
		return field{}, fmt.Errorf("%s cannot be set: %s", f.name, why)
	}
	return f, nil
}

// parseHeaders reads the values of --header.
func parseHeaders(list []string) (http.Header, error) {
	h := make(http.Header)
	var errs []error
	for i, s := range list {
		f, err := sendable(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("--header, number %d: %w", i+1, err))
			continue
		}
		h.Add(f.name, f.value)
	}
	return h, errors.Join(errs...)
}

// parseHeaderFile reads a file with one header per line. It skips empty lines and
// lines that begin with #.
func parseHeaderFile(path string, data []byte) ([]field, error) {
	var (
		fields []field
		errs   []error
		n      int
	)
	for line := range strings.Lines(string(data)) {
		n++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
			continue
		}
		f, err := sendable(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("--header-file %s, line %d: %w", path, n, err))
			continue
		}
		fields = append(fields, f)
	}
	return fields, errors.Join(errs...)
}

// soundsSecret are parts of the names of headers with secret values.
var soundsSecret = []string{"auth", "cookie", "credential", "jwt", "key", "pass", "secret", "session", "signature", "token"}

// isSecretField guesses from a header's name whether its value in --header is a
// secret. Secrets should not be there, but hiding every value would hide words
// like "https".
func isSecretField(name string) bool {
	name = strings.ToLower(name)
	return slices.ContainsFunc(soundsSecret, func(part string) bool { return strings.Contains(name, part) })
}
