// Package path builds and validates certification paths by RFC 5280, section 6.
//
// Crypto/x509 answers with one error, or with chains that are free of any. This
// package tries the ways from the leaf to the trusted roots, judges each of them
// in full, and returns all that is wrong with the best one. Where it differs from
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

// A Query is what to build a path from, and what it must be good for.
type Query struct {
	Leaf          *cert.Cert
	Intermediates []*cert.Cert // untrusted
	CAs           []*cert.Cert // what the user calls the CA: roots are trusted
	PartialChain  bool         // trust all of CAs, roots or not
	PublicCAs     bool         // the CAs are those of the system, which issue no leaf directly
	Unreadable    bool         // some certificate could not be parsed, so a gap may not be one

	At          time.Time
	Skew        time.Duration
	MinValidity time.Duration
	Usages      []x509.ExtKeyUsage // all of them

	// Revocation returns what revocation lists have against a path, unless it is
	// nil. It is asked for each path that is better than all others but for that.
	Revocation func(path []*cert.Cert, complete bool) finding.List
}

// A Result is the best path and what is wrong with it.
type Result struct {
	Path     []*cert.Cert // leaf first; to a trusted root only if Complete
	Complete bool
	Findings finding.List
	// Issuers are all that may lie on a path from the leaf, by their raw bytes, if it is Complete.
	Issuers map[string]bool
}

// The limits of a search. Certificates that sign each other in circles have more
// paths than can be tried.
const (
	maxSteps  = 20_000
	maxPaths  = 256
	maxLooks  = 1_000_000
	maxJudged = 16 << 20 // bytes of the certificates of all paths that were judged
	// maxEffort bounds the signatures of the search; as much again is left for
	// telling why it failed.
	maxEffort = 600 * time.Millisecond
)

// Find returns the best path. Once ctx is done it gives up soon, as if there were
// too many ways to try.
func Find(ctx context.Context, q Query) Result {
	b := newBuilder(ctx, q)
	b.extend([]*cert.Cert{q.Leaf})
	var r Result
	switch {
	case b.best != nil:
		r.Path, r.Complete, r.Findings = b.best, true, b.bestFindings
	case ctx.Err() != nil:
		r.Path = b.longest // nothing was looked for, so why it was not found cannot be told
	default:
		r.Path = b.longest
		r.Findings = slices.Concat(q.judge(ctx, b.longest, &b.comparisons), b.diagnose(), b.q.revocation(b.longest, false))
	}
	if b.limited && (!r.Complete || r.Findings.Failed()) {
		r.Findings = append(r.Findings, b.gaveUp())
	}
	if r.Complete {
		r.Issuers = b.issuers(r.Path)
	}
	return r
}

// issuers are all certificates that a path from the leaf can hold: those of path,
// and all others by whose key something on the way may be signed.
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
	for looks := 0; len(queue) > 0 && looks < maxLooks; queue = queue[1:] {
		for _, issuer := range sent[queue[0].IssuerKey] {
			looks++
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
	cas       map[*cert.Cert]bool // of those in bySubject, and the leaf
	anchors   map[*cert.Cert]bool // of the CAs, whether a path may end there, once that was asked
	bySubject map[string][]*cert.Cert

	steps       int
	looks       int
	paths       int
	judged      int
	comparisons int // of names with constraints
	limited     bool
	verifier    *cert.Verifier
	on          map[string]bool // what the present path holds, by subject and key

	best         []*cert.Cert
	bestFindings finding.List
	longest      []*cert.Cert
}

// A digest tells certificates apart without keeping their bytes a second time.
type digest = [sha256.Size]byte

func sum(c *cert.Cert) digest { return sha256.Sum256(c.Raw) }

func newBuilder(ctx context.Context, q Query) *builder {
	b := &builder{
		ctx: ctx, q: q, cas: make(map[*cert.Cert]bool), anchors: make(map[*cert.Cert]bool), bySubject: make(map[string][]*cert.Cert),
		verifier: cert.NewVerifier(2 * maxEffort), on: make(map[string]bool),
		longest: []*cert.Cert{q.Leaf},
	}
	wanted := b.subjectsWanted()
	seen := make(map[digest]bool)
	add := func(c *cert.Cert) bool {
		d := sum(c)
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

// anchor reports whether a path may end at c. That can cost signatures, so only
// those are asked that a path has come to.
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

// trusted reports whether a path may end at c, one of the CAs. A root's own
// signature proves nothing, so that it is damaged does not count; but a CA that
// was issued to itself under an older key is no root.
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

// subjectsWanted is the set of names that can be an issuer on a path.
func (b *builder) subjectsWanted() map[string]bool {
	wanted := map[string]bool{b.q.Leaf.IssuerKey: true}
	for _, list := range [][]*cert.Cert{b.q.Intermediates, b.q.CAs} {
		for _, c := range list {
			wanted[c.IssuerKey] = true
		}
	}
	return wanted
}

// extend tries all ways on from the end of path.
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
		b.longest = append([]*cert.Cert(nil), path...)
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

func contains(path []*cert.Cert, c *cert.Cert) bool {
	if len(path) > 64 {
		return false // the key on the path tells, and long chains must not cost the square
	}
	for _, p := range path {
		if p.Same(c) {
			return true
		}
	}
	return false
}

func (b *builder) done() bool {
	if b.best != nil && len(b.bestFindings) == 0 {
		return true
	}
	if b.steps > maxSteps || b.paths > maxPaths || b.looks > maxLooks || b.judged > maxJudged ||
		b.comparisons > maxComparisons || b.verifier.Spent() > maxEffort || b.ctx.Err() != nil {
		b.limited = true
	}
	return b.limited
}

// candidates are the possible issuers of c, the most likely ones first.
func (b *builder) candidates(c *cert.Cert) []*cert.Cert {
	all := b.bySubject[c.IssuerKey]
	if len(all) < 2 {
		return all
	}
	b.looks += len(all)
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
	var out []*cert.Cert
	for _, r := range ranked {
		out = append(out, r...)
	}
	return out
}

// keyIDsDiffer reports whether c names another key than that of issuer.
func keyIDsDiffer(c, issuer *cert.Cert) bool {
	return len(c.AuthorityKeyId) > 0 && len(issuer.SubjectKeyId) > 0 && string(c.AuthorityKeyId) != string(issuer.SubjectKeyId)
}

// signed reports whether issuer may have signed c: a signature of a kind that
// nobody checks any more counts, and is a finding later.
func (b *builder) signed(c, issuer *cert.Cert) bool {
	return b.signature(c, issuer) != cert.SignatureBad
}

func (b *builder) signature(c, issuer *cert.Cert) cert.Signature {
	return b.verifier.Certificate(c, issuer)
}

// judgePath keeps path if nothing better was found yet.
func (b *builder) judgePath(path []*cert.Cert) {
	b.paths++
	for _, c := range path {
		b.judged += len(c.Raw)
	}
	found := b.q.judge(b.ctx, path, &b.comparisons)
	for i := range len(path) - 1 {
		switch b.signature(path[i], path[i+1]) {
		case cert.SignatureWeak:
			found = append(found, path[i].Finding(finding.WeakSignature, "it is signed with %s", path[i].SignatureAlgorithm))
		case cert.SignatureUnsupported:
			found = append(found, path[i].Finding(finding.UnknownSignature, "it is signed with %s by the key of %q, of which one is not supported", path[i].SignatureAlgorithm, path[i+1].Name()))
		}
	}
	better := func() bool { return b.best == nil || len(found) < len(b.bestFindings) }
	if better() {
		found = append(found, b.q.revocation(path, true)...)
	}
	if better() {
		b.best, b.bestFindings = append([]*cert.Cert(nil), path...), found
	}
}

func (q Query) revocation(path []*cert.Cert, complete bool) finding.List {
	if q.Revocation == nil {
		return nil
	}
	return q.Revocation(path, complete)
}
