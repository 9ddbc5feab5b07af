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

// A Query is what to check.
type Query struct {
	Path     []*cert.Cert // leaf first; the last one is a root unless it is the only one
	Complete bool         // the path ends at a trusted root
	Lists    []*List
	Others   []*cert.Cert // among which a CA may have a key for CRLs alone
	At       time.Time
	Skew     time.Duration
	All      bool // a CA without a CRL is a fault too, not only the leaf
}

// The limits of a check. There may be thousands of CRLs and of CAs that all have
// the same name.
const (
	maxEffort = 200 * time.Millisecond // of signatures
	maxLooks  = 5_000_000
	maxFaults = 20 // of the CRLs of one issuer
)

// Check returns which certificates of the path are revoked, and why that cannot
// be told. Where it gives up, or ctx is done, that is a finding too.
func Check(ctx context.Context, q Query) finding.List {
	k := checker{
		Query: q, ctx: ctx, verifier: cert.NewVerifier(maxEffort),
		lists: make(map[string][]*List), signers: make(map[string][]*cert.Cert),
	}
	for _, l := range q.Lists {
		k.lists[l.issuerKey] = append(k.lists[l.issuerKey], l)
	}
	for _, c := range q.Others {
		if c.KeyUsage&x509.KeyUsageCRLSign != 0 {
			k.signers[c.SubjectKey] = append(k.signers[c.SubjectKey], c)
		}
	}
	var found finding.List
	for i := 0; i+1 < len(q.Path); i++ {
		found = append(found, k.one(q.Path[i], q.Path[i+1:], i == 0)...)
		if k.over() {
			why := fmt.Sprintf("gave up on the %d CRLs of %q: whether it is revoked was not seen from all of them", len(k.lists[q.Path[i].IssuerKey]), q.Path[i].IssuerName())
			return append(found, q.Path[i].Finding(finding.CRLLimit, "%s", why))
		}
	}
	if len(q.Path) == 1 && !(q.Complete && q.Path[0].SelfSigned()) {
		found = append(found, q.Path[0].Finding(finding.CRLOtherIssuer, "its issuer is not known, so no CRL can be checked"))
	}
	return found
}

// A checker is one check being made.
type checker struct {
	Query
	ctx      context.Context
	lists    map[string][]*List      // by the name of their issuer
	signers  map[string][]*cert.Cert // those of Others that may sign CRLs, by name
	verifier *cert.Verifier
	looks    int
}

// over reports whether something was not looked at, or must not be any more.
func (k *checker) over() bool {
	return k.looks > maxLooks || k.verifier.Exhausted() || k.ctx.Err() != nil
}

// one checks c, which the first of above signed, which the next one signed.
func (k *checker) one(c *cert.Cert, above []*cert.Cert, leaf bool) finding.List {
	var faults finding.List // of the lists that would be the right ones
	covered := false
	points := pointsOf(c)
	for _, l := range k.lists[c.IssuerKey] {
		if k.over() {
			return nil
		}
		k.looks += 1 + l.scope.names*len(points)/64
		if !l.scope.covers(c, points) {
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
		k.looks += len(l.RevokedCertificateEntries)
		if f := l.revoked(c); f != nil {
			return f // that cannot become untrue by age
		}
		if why := k.stale(l); why != "" {
			faults = append(faults, l.finding(finding.CRLStale, "%s", why))
			continue
		}
		covered = true
	}
	switch {
	case covered || k.over():
		return nil
	case len(faults) > 0:
		return bounded(faults, c)
	case leaf:
		return finding.List{c.Finding(finding.CRLOtherIssuer, "no CRL covers what its issuer %q has issued; those given are from %s", c.IssuerName(), k.issuers())}
	case k.All:
		return finding.List{c.Finding(finding.CRLMissing, "there is no CRL of its issuer %q", c.IssuerName())}
	}
	return nil
}

// Unused returns a warning for each of lists that cannot be used and is no reason
// to fail, as found has those: another one covers the certificate, or none of its
// issuer's is on the path. What such a list says was not looked at.
func Unused(lists []*List, found finding.List) finding.List {
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
	for _, l := range lists {
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

// bounded keeps the first of l, which are all about the CRLs for c.
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
		return "it does not say when the next one comes, so nobody can tell whether it is fresh"
	case q.At.Add(-q.Skew).After(l.NextUpdate):
		return "the next one was due on " + l.NextUpdate.UTC().Format(layout)
	}
	return ""
}

// issuers names those of the lists.
func (q Query) issuers() string {
	const shown = 3
	var names []string
	for _, l := range q.Lists {
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
