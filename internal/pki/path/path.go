// Package path builds and validates certification paths by RFC 5280, section 6.
//
// Crypto/x509 returns one error, or chains without any error. This package tries
// the paths from the leaf to the trusted roots, judges each of them in full, and
// returns everything that is wrong with the best one. Where it differs from
// crypto/x509 and from openssl verify -x509_strict, a named test says so and why.
package path

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// A Query says what to build a path from, and what the path must be good for.
type Query struct {
	Leaf          *cert.Cert
	Intermediates []*cert.Cert // untrusted
	CAs           []*cert.Cert // the certificates that the user gave as CAs; roots among them are trusted
	PartialChain  bool         // trust all CAs, not only roots
	PublicCAs     bool         // the CAs are those of the system, which issue no leaves directly
	Unreadable    bool         // some certificate could not be parsed, so a gap may not be real

	At          time.Time
	Skew        time.Duration
	MinValidity time.Duration
	Usages      []x509.ExtKeyUsage // the path must allow all of them

	// Revocation, if not nil, returns what revocation lists have against a path. It
	// is called for each path that would be the best so far.
	Revocation func(path []*cert.Cert, complete bool) finding.List
}

// A Result is the best path and what is wrong with it.
type Result struct {
	Path     []*cert.Cert // leaf first; it ends at a trusted root only if Complete
	Complete bool
	Findings finding.List
	// Issuers are all certificates that can be on a path from the leaf, by their raw
	// bytes. It is set only if Complete.
	Issuers map[string]bool
}

// The limits of a search. If certificates sign each other in circles, there are
// more paths than can be tried.
const (
	maxSteps    = 20_000
	maxPaths    = 256
	maxExamined = 1_000_000
	maxJudged   = 16 << 20 // bytes, in all certificates of all judged paths
	// maxEffort limits the signature checks of the search; the same amount again is
	// reserved for finding out why it failed.
	maxEffort = 600 * time.Millisecond
)

// Find returns the best path. When ctx is done, it gives up soon, as if there were
// too many paths to try.
func Find(ctx context.Context, q Query) Result {
	if q.Revocation == nil {
		q.Revocation = func([]*cert.Cert, bool) finding.List { return nil }
	}
	b := newBuilder(ctx, q)
	b.extend([]*cert.Cert{q.Leaf})
	var r Result
	switch {
	case b.best != nil:
		r.Path, r.Complete, r.Findings = b.best, true, b.bestFindings
	case ctx.Err() != nil:
		r.Path = b.longest // the search was cut off, so the reason for its failure is unknown
	default:
		r.Path = b.longest
		r.Findings = slices.Concat(q.judge(ctx, b.longest, &b.comparisons), b.diagnose(), b.q.Revocation(b.longest, false))
	}
	if b.limited && (!r.Complete || r.Findings.Failed()) {
		r.Findings = append(r.Findings, b.gaveUp())
	}
	if r.Complete {
		r.Issuers = b.issuers(r.Path)
	}
	return r
}

// issuers returns all certificates that a path from the leaf can contain: those of
// path, and all others whose key may have signed a certificate on such a path.
func (b *builder) issuers(path []*cert.Cert) map[string]bool {
	reached := make(map[string]bool)
	queue := []*cert.Cert{b.q.Leaf}
	for _, c := range path[1:] {
		reached[string(c.Raw)] = true
		queue = append(queue, c)
	}
	sent := make(map[string][]*cert.Cert)
	for _, c := range b.q.Intermediates {
		sent[c.SubjectKey] = append(sent[c.SubjectKey], c)
	}
	for examined := 0; len(queue) > 0 && examined < maxExamined; queue = queue[1:] {
		for _, issuer := range sent[queue[0].IssuerKey] {
			examined++
			if reached[string(issuer.Raw)] || keyIDsDiffer(queue[0], issuer) || b.ctx.Err() != nil || !b.signed(queue[0], issuer) {
				continue
			}
			reached[string(issuer.Raw)] = true
			queue = append(queue, issuer)
		}
	}
	return reached
}

type builder struct {
	ctx       context.Context
	q         Query
	cas       map[*cert.Cert]bool // the CAs in bySubject, and the leaf if it is a CA of the user
	anchors   map[*cert.Cert]bool // whether a path may end at a CA; cached
	bySubject map[string][]*cert.Cert

	steps       int
	examined    int // certificates looked at, against maxExamined
	paths       int
	judged      int
	comparisons int // comparisons of names with constraints
	limited     bool
	verifier    *cert.Verifier
	on          map[string]bool // the certificates on the current path, by subject and key

	best         []*cert.Cert
	bestFindings finding.List
	longest      []*cert.Cert
}

func newBuilder(ctx context.Context, q Query) *builder {
	b := &builder{
		ctx: ctx, q: q, cas: make(map[*cert.Cert]bool), anchors: make(map[*cert.Cert]bool), bySubject: make(map[string][]*cert.Cert),
		verifier: cert.NewVerifier(2 * maxEffort), on: make(map[string]bool),
		longest: []*cert.Cert{q.Leaf},
	}
	wanted := b.subjectsWanted()
	seen := make(map[[sha256.Size]byte]bool) // without a second copy of the certificates
	add := func(c *cert.Cert) bool {
		d := sha256.Sum256(c.Raw)
		if seen[d] {
			return false
		}
		seen[d] = true
		b.bySubject[c.SubjectKey] = append(b.bySubject[c.SubjectKey], c)
		return true
	}
	for _, c := range q.CAs {
		isLeaf := c.Same(q.Leaf)
		if isLeaf {
			b.cas[q.Leaf] = true
		}
		if (isLeaf || wanted[c.SubjectKey]) && add(c) {
			b.cas[c] = true
		}
	}
	for _, c := range q.Intermediates {
		add(c)
	}
	return b
}

// anchor reports whether a path may end at c. Finding out may cost signature
// checks, so it is done only for certificates that a path has reached.
func (b *builder) anchor(c *cert.Cert) bool {
	if !b.cas[c] {
		return false
	}
	yes, known := b.anchors[c]
	if !known {
		yes = b.trusted(c)
		b.anchors[c] = yes
	}
	return yes
}

// trusted reports whether a path may end at c, one of the CAs. The signature of a
// root on itself proves nothing, so a damaged one does not matter. A CA that was
// issued to itself under an older key is not a root.
func (b *builder) trusted(c *cert.Cert) bool {
	if b.q.PartialChain {
		return true
	}
	if !c.SelfIssued() || keyIDsDiffer(c, c) {
		return false
	}
	if c.HasKeyIDs() || b.signed(c, c) {
		return true
	}
	for _, i := range b.bySubject[c.SubjectKey] {
		if b.verifier.Spent() > maxEffort/2 || !i.Same(c) && b.signed(c, i) {
			return false
		}
	}
	return true
}

// subjectsWanted returns the names that the issuer of a certificate on a path can
// have.
func (b *builder) subjectsWanted() map[string]bool {
	wanted := map[string]bool{b.q.Leaf.IssuerKey: true}
	for _, c := range slices.Concat(b.q.Intermediates, b.q.CAs) {
		wanted[c.IssuerKey] = true
	}
	return wanted
}

// extend tries all continuations of path.
func (b *builder) extend(path []*cert.Cert) {
	end := path[len(path)-1]
	b.steps++
	if b.done() {
		return
	}
	if b.anchor(end) {
		b.judgePath(path)
		return
	}
	if len(path) > len(b.longest) {
		b.longest = slices.Clone(path)
	}
	for _, issuer := range b.candidates(end) {
		key := issuer.SubjectKey + "\x00" + string(issuer.RawSubjectPublicKeyInfo)
		if b.on[key] && !b.cas[issuer] || contains(path, issuer) || !b.signed(end, issuer) {
			continue
		}
		if b.on[key] && !b.anchor(issuer) {
			continue
		}
		was := b.on[key]
		b.on[key] = true
		b.extend(append(path, issuer))
		b.on[key] = was
		if b.done() {
			return
		}
	}
}

// contains finds c in short paths only. On long ones that would cost too much, and
// b.on prevents circles anyway.
func contains(path []*cert.Cert, c *cert.Cert) bool {
	return len(path) <= 64 && slices.ContainsFunc(path, c.Same)
}

func (b *builder) done() bool {
	if b.best != nil && len(b.bestFindings) == 0 {
		return true
	}
	if b.steps > maxSteps || b.paths > maxPaths || b.examined > maxExamined || b.judged > maxJudged ||
		b.comparisons > maxComparisons || b.verifier.Spent() > maxEffort || b.ctx.Err() != nil {
		b.limited = true
	}
	return b.limited
}

// candidates returns the possible issuers of c, the most likely ones first.
func (b *builder) candidates(c *cert.Cert) []*cert.Cert {
	all := b.bySubject[c.IssuerKey]
	if len(all) < 2 {
		return all
	}
	b.examined += len(all)
	var ranked [4][]*cert.Cert
	for _, i := range all {
		rank := 0
		if !b.cas[i] {
			rank++
		}
		if keyIDsDiffer(c, i) {
			rank += 2
		}
		ranked[rank] = append(ranked[rank], i)
	}
	return slices.Concat(ranked[:]...)
}

// keyIDsDiffer reports whether the key that c names as its issuer's is not that of
// issuer.
func keyIDsDiffer(c, issuer *cert.Cert) bool {
	return len(c.AuthorityKeyId) > 0 && len(issuer.SubjectKeyId) > 0 && string(c.AuthorityKeyId) != string(issuer.SubjectKeyId)
}

// signed reports whether issuer may have signed c. A signature of a kind that
// cannot be checked counts as signed, and becomes a finding later.
func (b *builder) signed(c, issuer *cert.Cert) bool {
	return b.verifier.Certificate(c, issuer) != cert.SignatureBad
}

// judgePath judges path and keeps it if it is the best one so far.
func (b *builder) judgePath(path []*cert.Cert) {
	b.paths++
	for _, c := range path {
		b.judged += len(c.Raw)
	}
	found := b.q.judge(b.ctx, path, &b.comparisons)
	for i := range len(path) - 1 {
		switch b.verifier.Certificate(path[i], path[i+1]) {
		case cert.SignatureWeak:
			found = append(found, path[i].Finding(finding.WeakSignature, "it is signed with %s", path[i].SignatureAlgorithm))
		case cert.SignatureUnsupported:
			found = append(found, path[i].Finding(finding.UnknownSignature, "it is signed with %s by the key of %q, and one of the two is not supported", path[i].SignatureAlgorithm, path[i+1].Name()))
		}
	}
	better := func() bool { return b.best == nil || len(found) < len(b.bestFindings) }
	if better() {
		found = append(found, b.q.Revocation(path, true)...)
	}
	if better() {
		b.best, b.bestFindings = slices.Clone(path), found
	}
}
