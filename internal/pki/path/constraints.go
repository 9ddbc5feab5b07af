package path

import (
	"context"
	"encoding/asn1"
	"errors"
	"slices"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

const (
	oidNameConstraints = "2.5.29.30"
	oidSubjectAltName  = "2.5.29.17"
	oidEmailAddress    = "1.2.840.113549.1.9.1"
)

// subtrees are the name constraints of one CA.
type subtrees struct {
	permitted, excluded []generalName
}

const (
	// maxComparisons limits the number of comparisons of a name with a constraint.
	maxComparisons = 1_000_000
	// maxForbidden limits the findings about one certificate.
	maxForbidden = 20
	// contextEvery is the number of names between two checks of the context.
	contextEvery = 256
)

// nameConstraints checks the names of each certificate against the constraints of
// all CAs above it. Self-issued CAs are exempt (RFC 5280, 6.1.3 b).
func nameConstraints(ctx context.Context, path []*cert.Cert, comparisons *int) finding.List {
	h := checker{ctx: ctx, path: path, names: make([][]generalName, len(path)), forbidden: make([]int, len(path)), comparisons: comparisons}
	for i := 1; i < len(path) && !h.stopped; i++ {
		ext := path[i].Extension(oidNameConstraints)
		if ext == nil {
			continue
		}
		limits, err := parseConstraints(ctx, ext.Value)
		switch {
		case errors.Is(err, errDistances):
			h.found = append(h.found, path[i].Finding(finding.CriticalExtension, "its nameConstraints are not understood: %v", err))
			continue
		case err != nil:
			h.found = append(h.found, path[i].Finding(finding.NameConstraintsMalformed, "%v", err))
			continue
		}
		h.found = append(h.found, limits.dropMalformed(path[i])...)
		for k := 0; k < i && !h.stopped; k++ {
			if c := path[k]; !c.SelfIssued() || k == 0 {
				h.compare(k, i, limits)
			}
		}
	}
	for k, n := range h.forbidden {
		if n > maxForbidden {
			h.found = append(h.found, path[k].Finding(finding.NameConstraint, "and %d more of its names are not allowed", n-maxForbidden))
		}
	}
	return h.found
}

// dropMalformed removes the constraints that are not names of their kind, and
// reports them as faults of c. Nobody can tell which names lie within such a
// constraint, so a CA that has one is unusable, even if no name below it is of
// that kind.
func (s *subtrees) dropMalformed(c *cert.Cert) finding.List {
	var found finding.List
	n := 0
	malformed := func(base generalName) bool {
		if base.valid || !base.known() {
			return false
		}
		if n++; n <= maxForbidden {
			found = append(found, c.Finding(finding.NameConstraintsMalformed, "its nameConstraints have %q, which is not a %s", base.String(), base.kind()))
		}
		return true
	}
	s.permitted = slices.DeleteFunc(s.permitted, malformed)
	s.excluded = slices.DeleteFunc(s.excluded, malformed)
	if n > maxForbidden {
		found = append(found, c.Finding(finding.NameConstraintsMalformed, "and %d more of them", n-maxForbidden))
	}
	return found
}

// A checker compares names with constraints.
type checker struct {
	ctx         context.Context
	path        []*cert.Cert
	names       [][]generalName // by position on the path; cached
	forbidden   []int           // number of forbidden names, by position on the path
	comparisons *int
	stopped     bool
	found       finding.List
}

// compare compares the names of the certificate at k with the constraints of the
// CA at i.
func (h *checker) compare(k, i int, limits subtrees) {
	c := h.path[k]
	add := func(format string, args ...any) {
		h.found = append(h.found, c.Finding(finding.NameConstraint, format, args...))
	}
	if h.names[k] == nil {
		var err error
		if h.names[k], err = namesOf(h.ctx, c); err != nil {
			add("its names cannot be read to compare them with nameConstraints: %v", err)
			return
		}
	}
	names := h.names[k]
	if *h.comparisons += len(names) * (len(limits.permitted) + len(limits.excluded)); *h.comparisons > maxComparisons {
		h.stopped = true
		add("there are too many names and nameConstraints to compare")
		return
	}
	for at, n := range names {
		if at%contextEvery == 0 && h.ctx.Err() != nil {
			h.stopped = true
			add("there was no time to compare its names with nameConstraints")
			return
		}
		why := limits.forbid(n)
		if why == "" {
			continue
		}
		if h.forbidden[k]++; h.forbidden[k] <= maxForbidden {
			add("%s may not issue for %s: %s", h.path[i].Name(), n, why)
		}
	}
}

// forbid returns why n is not allowed, or "".
func (s subtrees) forbid(n generalName) string {
	for _, x := range s.excluded {
		if x.tag == n.tag && matches(n, x, true) {
			return "that is excluded"
		}
	}
	any := false
	for _, p := range s.permitted {
		if p.tag != n.tag {
			continue
		}
		any = true
		if matches(n, p, false) {
			return ""
		}
	}
	if any {
		return "that is not among what is permitted"
	}
	return ""
}

var (
	errMalformed = errors.New("its nameConstraints cannot be read")
	// errDistances: RFC 5280, 4.2.1.10 does not allow them.
	errDistances = errors.New("they have a minimum or maximum")
)

func parseConstraints(ctx context.Context, der []byte) (s subtrees, err error) {
	var outer asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return s, errMalformed
	}
	for rest := outer.Bytes; len(rest) > 0; {
		var list asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &list); err != nil {
			return s, errMalformed
		}
		names, err := parseSubtrees(ctx, list.Bytes)
		if err != nil {
			return s, err
		}
		if list.Tag == 0 {
			s.permitted = append(s.permitted, names...)
		} else {
			s.excluded = append(s.excluded, names...)
		}
	}
	return s, nil
}

func parseSubtrees(ctx context.Context, der []byte) (names []generalName, err error) {
	for len(der) > 0 {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var tree, base asn1.RawValue
		if der, err = asn1.Unmarshal(der, &tree); err != nil {
			return nil, errMalformed
		}
		limits, err := asn1.Unmarshal(tree.Bytes, &base)
		if err != nil {
			return nil, errMalformed
		}
		if len(limits) > 0 && string(limits) != "\x80\x01\x00" { // minimum 0 is the default
			return nil, errDistances
		}
		names = append(names, readBase(base.Tag, base.Bytes))
	}
	return names, nil
}

// namesOf returns all names of c: its subject, its subjectAltNames and, if these
// contain no e-mail address, the one in its subject.
func namesOf(ctx context.Context, c *cert.Cert) ([]generalName, error) {
	var names []generalName
	if ext := c.Extension(oidSubjectAltName); ext != nil {
		var outer asn1.RawValue
		if _, err := asn1.Unmarshal(ext.Value, &outer); err != nil {
			return nil, err
		}
		for rest := outer.Bytes; len(rest) > 0; {
			var n asn1.RawValue
			err := ctx.Err()
			if err != nil {
				return nil, err
			}
			if rest, err = asn1.Unmarshal(rest, &n); err != nil {
				return nil, err
			}
			names = append(names, readName(n.Tag, n.Bytes))
		}
	}
	if len(c.Subject.Names) > 0 {
		names = append(names, readName(tagDir, c.RawSubject))
	}
	if len(c.EmailAddresses) == 0 {
		for _, a := range c.Subject.Names {
			if s, ok := a.Value.(string); ok && a.Type.String() == oidEmailAddress {
				names = append(names, readName(tagEmail, []byte(s)))
			}
		}
	}
	return names, nil
}
