package path

import (
	"crypto/x509"
	"maps"
	"slices"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

const anyPolicy = "2.5.29.32.0"

// A policySet is one level of the policy tree of RFC 5280, section 6.1: the
// policies that the certificate above lets the one below assert. The user accepts
// any policy, so it only matters whether the lowest level of the tree is empty.
// One level is therefore enough, and it cannot grow without limit.
type policySet map[string]bool

// policies processes the policies of path, from the certificate below the root to
// the leaf.
func policies(path []*cert.Cert) finding.List {
	n := len(path) - 1
	explicit, mapping, inhibitAny := n+1, n+1, n+1
	level := policySet{anyPolicy: true}
	for i := n - 1; i >= 0; i-- {
		c := path[i]
		level = descend(level, c, inhibitAny > 0 || c.SelfIssued() && i > 0)
		if explicit == 0 && len(level) == 0 {
			return finding.List{c.Finding(finding.Policy, "a CA above it demands a certificate policy, and none is left that all of them allow")}
		}
		if i == 0 {
			if c.RequireExplicitPolicyZero {
				explicit = 0
			}
			break
		}
		if slices.ContainsFunc(c.PolicyMappings, mapsAny) {
			return finding.List{c.Finding(finding.Policy, "it maps from or to anyPolicy, which is forbidden")}
		}
		level = mapped(level, c, mapping > 0)
		if !c.SelfIssued() {
			explicit, mapping, inhibitAny = less(explicit), less(mapping), less(inhibitAny)
		}
		explicit = lower(explicit, c.RequireExplicitPolicy, c.RequireExplicitPolicyZero)
		mapping = lower(mapping, c.InhibitPolicyMapping, c.InhibitPolicyMappingZero)
		inhibitAny = lower(inhibitAny, c.InhibitAnyPolicy, c.InhibitAnyPolicyZero)
	}
	if n > 0 && less(explicit) == 0 && len(level) == 0 {
		return finding.List{path[0].Finding(finding.Policy, "a certificate policy is demanded, and none is left that all CAs allow")}
	}
	return nil
}

// descend is steps (d) and (e) of section 6.1.3. It returns the policies of the
// nodes of the new level.
func descend(above policySet, c *cert.Cert, any bool) policySet {
	below := make(policySet)
	for _, id := range c.Policies {
		switch p := id.String(); {
		case p == anyPolicy && any:
			maps.Copy(below, above)
		case p != anyPolicy && (above[p] || above[anyPolicy]):
			below[p] = true
		}
	}
	return below
}

func mapsAny(m x509.PolicyMapping) bool {
	return m.IssuerDomainPolicy.String() == anyPolicy || m.SubjectDomainPolicy.String() == anyPolicy
}

// mapped is step (b) of section 6.1.4. It returns the policies that the next
// certificate may assert.
func mapped(level policySet, c *cert.Cert, allowed bool) policySet {
	out := maps.Clone(level)
	for _, m := range c.PolicyMappings {
		delete(out, m.IssuerDomainPolicy.String())
	}
	for _, m := range c.PolicyMappings {
		if allowed && (level[m.IssuerDomainPolicy.String()] || level[anyPolicy]) {
			out[m.SubjectDomainPolicy.String()] = true
		}
	}
	return out
}

func less(n int) int { return max(n-1, 0) }

// lower is steps (i) and (j) of section 6.1.4. Package x509 uses 0 for an absent
// field, and a separate flag for a zero.
func lower(n, field int, zero bool) int {
	if zero || field > 0 {
		return min(n, field)
	}
	return n
}
