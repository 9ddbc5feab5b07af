package path

import (
	"encoding/asn1"
	"fmt"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

const (
	oidNameConstraints = "2.5.29.30"
	oidSubjectAltName  = "2.5.29.17"
	oidEmailAddress    = "1.2.840.113549.1.9.1"
)

// Kinds of general names: their tags.
const (
	tagOther = 0
	tagEmail = 1
	tagDNS   = 2
	tagX400  = 3
	tagDir   = 4
	tagEDI   = 5
	tagURI   = 6
	tagIP    = 7
	tagID    = 8
)

// A generalName is one name of any kind.
type generalName struct {
	tag   int
	value []byte
}

func (n generalName) String() string {
	switch n.tag {
	case tagEmail, tagDNS, tagURI:
		return cert.Clip(string(n.value))
	case tagIP:
		return ipText(n.value)
	case tagDir:
		return "the subject name"
	}
	return fmt.Sprintf("a name of kind %d", n.tag)
}

// subtrees are the constraints of one CA.
type subtrees struct {
	permitted, excluded []generalName
}

// maxComparisons bounds names times constraints.
const maxComparisons = 1_000_000

// nameConstraints holds each certificate to the constraints of all CAs above it.
// Self-issued CAs are exempt (RFC 5280, 6.1.3 b).
func nameConstraints(path []*cert.Cert) finding.List {
	var found finding.List
	comparisons := 0
	for i := 1; i < len(path); i++ {
		ext := extension(path[i], oidNameConstraints)
		if ext == nil {
			continue
		}
		limits, err := parseConstraints(ext)
		if err != nil {
			found = append(found, path[i].Finding(finding.CriticalExtension, "its nameConstraints are not understood: %v", err))
			continue
		}
		for k := range i {
			c := path[k]
			if c.SelfIssued() && k > 0 {
				continue
			}
			names, err := namesOf(c)
			if err != nil {
				found = append(found, c.Finding(finding.NameConstraint, "its names cannot be read to hold them against nameConstraints: %v", err))
				continue
			}
			if comparisons += len(names) * (len(limits.permitted) + len(limits.excluded)); comparisons > maxComparisons {
				return append(found, c.Finding(finding.NameConstraint, "there are too many names and nameConstraints to compare"))
			}
			for _, n := range names {
				if why := limits.forbid(n); why != "" {
					found = append(found, c.Finding(finding.NameConstraint, "%s may not issue for %s: %s", path[i].Name(), n, why))
				}
			}
		}
	}
	return found
}

// forbid returns why n may not be used, or "".
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

func extension(c *cert.Cert, oid string) []byte {
	for _, e := range c.Extensions {
		if e.Id.String() == oid {
			return e.Value
		}
	}
	return nil
}

func parseConstraints(der []byte) (s subtrees, err error) {
	var outer asn1.RawValue
	if rest, err := asn1.Unmarshal(der, &outer); err != nil || len(rest) > 0 {
		return s, fmt.Errorf("they are malformed")
	}
	for rest := outer.Bytes; len(rest) > 0; {
		var list asn1.RawValue
		if rest, err = asn1.Unmarshal(rest, &list); err != nil {
			return s, fmt.Errorf("they are malformed")
		}
		names, err := parseSubtrees(list.Bytes)
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

func parseSubtrees(der []byte) (names []generalName, err error) {
	for len(der) > 0 {
		var tree, base asn1.RawValue
		if der, err = asn1.Unmarshal(der, &tree); err != nil {
			return nil, fmt.Errorf("they are malformed")
		}
		limits, err := asn1.Unmarshal(tree.Bytes, &base)
		if err != nil {
			return nil, fmt.Errorf("they are malformed")
		}
		if len(limits) > 0 && string(limits) != "\x80\x01\x00" { // minimum 0 is the default
			return nil, fmt.Errorf("they have a minimum or maximum")
		}
		names = append(names, generalName{base.Tag, base.Bytes})
	}
	return names, nil
}

// namesOf returns all names of c: its subject, its subjectAltNames, and the
// e-mail address in its subject if it has no other.
func namesOf(c *cert.Cert) ([]generalName, error) {
	var names []generalName
	if ext := extension(c, oidSubjectAltName); ext != nil {
		var outer asn1.RawValue
		if _, err := asn1.Unmarshal(ext, &outer); err != nil {
			return nil, err
		}
		for rest := outer.Bytes; len(rest) > 0; {
			var n asn1.RawValue
			var err error
			if rest, err = asn1.Unmarshal(rest, &n); err != nil {
				return nil, err
			}
			names = append(names, generalName{n.Tag, n.Bytes})
		}
	}
	if len(c.Subject.Names) > 0 {
		names = append(names, generalName{tagDir, c.RawSubject})
	}
	if len(c.EmailAddresses) == 0 {
		for _, a := range c.Subject.Names {
			if s, ok := a.Value.(string); ok && a.Type.String() == oidEmailAddress {
				names = append(names, generalName{tagEmail, []byte(s)})
			}
		}
	}
	return names, nil
}
