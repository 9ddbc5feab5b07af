package crl

import (
	"context"
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// A Query describes how to check paths.
type Query struct {
	Lists  []*List
	Others []*cert.Cert // these may contain a CA's separate key for CRLs
	At     time.Time
	Skew   time.Duration
	All    bool // report a CA without a CRL too, not only a leaf
}

// The limits of a Checker. There may be thousands of CRLs and CAs that all have
// the same name.
const (
	maxEffort   = 200 * time.Millisecond // for checking signatures
	maxExamined = 5_000_000
	maxFaults   = 20 // for the CRLs of one issuer
	storing     = 32 // cost of storing one result, counted as objects
)

// A Checker checks the paths of one leaf. Its limits apply to all paths together,
// and it looks nothing up twice.
type Checker struct {
	Query
	ctx      context.Context
	lists    map[string][]*List      // by the name of their issuer
	signers  map[string][]*cert.Cert // those of Others that may sign CRLs, by subject
	verifier *cert.Verifier
	examined int // objects looked at, against maxExamined
	points   map[*cert.Cert]points
	entries  map[lookup]finding.List
	revoked  map[*cert.Cert]finding.List
	remarks  finding.List // what revoked has, as warnings
}

// A lookup is a search for a certificate in a list.
type lookup struct {
	*List
	*cert.Cert
}

// New returns a Checker that gives up when ctx is done.
func New(ctx context.Context, q Query) *Checker {
	k := &Checker{
		Query: q, ctx: ctx, verifier: cert.NewVerifier(maxEffort),
		lists: make(map[string][]*List), signers: make(map[string][]*cert.Cert), entries: make(map[lookup]finding.List),
		revoked: make(map[*cert.Cert]finding.List), points: make(map[*cert.Cert]points),
	}
	for _, l := range q.Lists {
		k.lists[l.issuerKey] = append(k.lists[l.issuerKey], l)
	}
	for _, c := range q.Others {
		if c.KeyUsage&x509.KeyUsageCRLSign != 0 {
			k.signers[c.SubjectKey] = append(k.signers[c.SubjectKey], c)
		}
	}
	return k
}

// Check returns which certificates of path are revoked, and which could not be
// checked and why. The leaf comes first. The last certificate is a root unless it
// is the only one, and a trusted root if the path is complete. If Check gives up,
// that is a finding too.
func (k *Checker) Check(path []*cert.Cert, complete bool) finding.List {
	var found finding.List
	for i := 0; i+1 < len(path); i++ {
		found = append(found, k.checkOne(path[i], path[i+1:], i == 0)...)
		if k.over() {
			why := fmt.Sprintf("gave up on the %d CRLs of %q: not all of them could be checked for it", len(k.lists[path[i].IssuerKey]), path[i].IssuerName())
			return append(found, path[i].Finding(finding.CRLLimit, "%s", why))
		}
	}
	if len(path) == 1 && !(complete && path[0].SelfSigned()) {
		found = append(found, path[0].Finding(finding.CRLOtherIssuer, "its issuer is not known, so no CRL can be checked"))
	}
	return found
}

// Remarks returns the warnings after the best path is known; found is everything
// that Check has returned for it. They are about certificates on other tried paths
// that are revoked, and about lists that cannot be used.
func (k *Checker) Remarks(found finding.List) finding.List {
	unused := k.unused(found)
	if found.Has(finding.Revoked) {
		return unused
	}
	return append(slices.Clip(k.remarks[:min(len(k.remarks), maxFaults)]), unused...)
}

// over reports whether a limit has been reached.
func (k *Checker) over() bool {
	return k.examined > maxExamined || k.verifier.Exhausted() || k.ctx.Err() != nil
}

// checkOne checks c. The first certificate of above signed c, the next one signed
// that, and so on.
func (k *Checker) checkOne(c *cert.Cert, above []*cert.Cert, leaf bool) finding.List {
	if f := k.revoked[c]; f != nil {
		return f // on any path
	}
	var faults finding.List // of lists that cover c but cannot be used
	var covered cert.Reasons
	var others []*List // lists of the right issuer that cover other certificates
	at := k.pointsOf(c)
	for _, l := range k.lists[c.IssuerKey] {
		if k.over() {
			return nil
		}
		k.examined += 1 + len(l.scope.names)
		reasons := l.scope.covers(c, at)
		if reasons == 0 {
			others = append(others, l)
			continue
		}
		if l.refused != "" {
			faults = append(faults, l.finding(finding.CRLUnsupported, "%s", l.refused))
			continue
		}
		if f := k.signatureFault(l, above); f != nil {
			faults = append(faults, f.of(l))
			continue
		}
		if f := k.entry(l, c); f != nil {
			return f // even an old list proves a revocation
		}
		if why := k.stale(l); why != "" {
			faults = append(faults, l.finding(finding.CRLStale, "%s", why))
			continue
		}
		covered |= reasons
	}
	if covered == cert.AllReasons || k.over() {
		return nil
	}
	if len(faults) > 0 {
		return bounded(faults, c)
	}
	return k.uncovered(c, leaf, covered, others)
}

// uncovered says why no list covers c. The lists in others have the right issuer.
// Only a leaf needs a list, unless k.All is set.
func (k *Checker) uncovered(c *cert.Cert, leaf bool, covered cert.Reasons, others []*List) finding.List {
	switch {
	case covered != 0:
		return finding.List{c.Finding(finding.CRLUnsupported, "the CRLs of its distribution points cover only some reasons for revocation")}
	case leaf && len(others) > 0:
		return finding.List{aboutOthers(c, finding.CRLOtherIssuer, others)}
	case leaf:
		return finding.List{c.Finding(finding.CRLOtherIssuer, "no CRL covers what its issuer %q has issued; those given are from %s", c.IssuerName(), k.issuers())}
	case k.All && len(others) > 0:
		return finding.List{aboutOthers(c, finding.CRLMissing, others)}
	case k.All:
		return finding.List{c.Finding(finding.CRLMissing, "there is no CRL of its issuer %q", c.IssuerName())}
	}
	return nil
}

// aboutOthers returns the finding for a certificate whose issuer's CRLs all cover
// other certificates.
func aboutOthers(c *cert.Cert, code finding.Code, others []*List) finding.Finding {
	first := others[0]
	f := c.Finding(code, "the CRL of its issuer (%s block %d) is about %s", first.File, first.Block, first.scope)
	if n := len(others) - 1; n > 0 {
		f.Detail += fmt.Sprintf(", and %d more are not about it either", n)
	}
	kind := "leaves"
	if c.IsCA {
		kind = "CAs"
	}
	f.Next = "also give the CRL of that issuer that is about " + kind
	if len(c.CRLDistributionPoints) > 0 {
		f.Next += ": the certificate names " + cert.Clip(c.CRLDistributionPoints[0])
	}
	return f
}

// pointsOf caches [pointsOf] for each certificate.
func (k *Checker) pointsOf(c *cert.Cert) points {
	p, known := k.points[c]
	if !known {
		p = pointsOf(c)
		k.points[c] = p
		k.examined += len(p)
	}
	return p
}

// entry returns the finding if l revokes c.
func (k *Checker) entry(l *List, c *cert.Cert) finding.List {
	at := lookup{l, c}
	f, known := k.entries[at]
	if known {
		return f
	}
	k.examined += storing + len(l.RevokedCertificateEntries)
	f = l.revoked(c)
	k.entries[at] = f
	if f != nil {
		k.revoked[c] = f
		remark := f[0]
		remark.Warning, remark.Next = true, "remove it: there is another path, but not every verifier may find it"
		k.remarks = append(k.remarks, remark)
	}
	return f
}

// unused returns a warning for each list that cannot be used and has no finding in
// found: another list covers the certificate, or the list's issuer is not on the
// path. Check does not search such lists.
func (k *Checker) unused(found finding.List) finding.List {
	type place struct {
		file  string
		block int
	}
	named := make(map[place]bool)
	for _, f := range found {
		if f.Code == finding.CRLUnsupported {
			named[place{f.File, f.Block}] = true
		}
	}
	var unused finding.List
	for _, l := range k.Lists {
		if l.refused == "" || named[place{l.File, l.Block}] {
			continue
		}
		f := l.finding(finding.CRLUnsupported, "it was not used: %s", l.refused)
		f.Warning, f.Next = true, "leave it out, or give a complete CRL of its issuer instead"
		if unused = append(unused, f); len(unused) == maxFaults {
			break
		}
	}
	return unused
}

// bounded limits l, the findings about the CRLs for c.
func bounded(l finding.List, c *cert.Cert) finding.List {
	if len(l) <= maxFaults {
		return l
	}
	return append(l[:maxFaults:maxFaults], c.Finding(l[maxFaults].Code, "and %d more CRLs of its issuer cannot be used", len(l)-maxFaults))
}

func (q Query) stale(l *List) string {
	const layout = "2006-01-02 15:04:05 UTC"
	switch {
	case q.At.Add(q.Skew).Before(l.ThisUpdate):
		return "it is not valid before " + l.ThisUpdate.UTC().Format(layout)
	case l.NextUpdate.IsZero():
		return "it does not say when the next one comes, so it may be out of date"
	case q.At.Add(-q.Skew).After(l.NextUpdate):
		return "the next one was due on " + l.NextUpdate.UTC().Format(layout)
	}
	return ""
}

// issuers returns the names of the lists' issuers.
func (k *Checker) issuers() string {
	const shown = 3
	var names []string
	for _, l := range k.Lists {
		n := fmt.Sprintf("%q", cert.Clip(l.Issuer.String()))
		if slices.Contains(names, n) {
			continue
		}
		if len(names) == shown {
			names = append(names, "others")
			break
		}
		names = append(names, n)
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}
