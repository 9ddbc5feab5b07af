package path

import (
	"slices"
	"strings"
	"unicode"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// diagnose says why no path reaches a trusted root.
func (b *builder) diagnose() finding.List {
	if len(b.q.CAs) == 0 {
		return nil // the caller has already reported that there is no CA
	}
	end := b.longest[len(b.longest)-1]
	if b.limited && b.goesOn(end) {
		return nil // the search ended here, but the chain goes on
	}
	one := func(f finding.Finding) finding.List { return finding.List{f} }
	if f := b.sameName(end); f != nil {
		return f
	}
	if len(b.longest) == 1 && end.SelfSigned() {
		return one(end.Finding(finding.SelfSignedLeaf, "it is signed by itself, and is not in the CA file"))
	}
	inFile := slices.ContainsFunc(b.q.CAs, end.Same)
	if inFile && end.SelfIssued() && keyIDsDiffer(end, end) && b.verifier.Certificate(end, end) == cert.SignatureGood {
		return one(end.Finding(finding.CAIsIntermediate, "it is in the CA file and signed by itself, but its authority key identifier is not its subject key identifier, so it counts as issued by another key"))
	}
	if inFile {
		return one(end.Finding(finding.CAIsIntermediate, "it is in the CA file, but was issued by %q, which is not", end.IssuerName()))
	}
	if end.SelfSigned() {
		return one(end.Finding(finding.WrongCA, "the chain ends at this root, which is not in the CA file; that file has %s", b.roots()))
	}
	if b.q.Unreadable {
		return nil
	}
	if b.likelyMissing(end) {
		return one(end.Finding(finding.MissingIntermediate, "it was issued by %q, which is neither in the chain nor in the CA file (%s)", end.IssuerName(), b.roots()))
	}
	return one(end.Finding(finding.WrongCA, "it was issued by %q, which is not in the CA file; that file has %s", end.IssuerName(), b.roots()))
}

// gaveUp says how far the search has come.
func (b *builder) gaveUp() finding.Finding {
	if b.best != nil {
		return b.q.Leaf.Finding(finding.ChainLimit, "gave up after %d steps; there may be a better chain than the one found", b.steps)
	}
	n := len(b.longest)
	return b.q.Leaf.Finding(finding.ChainLimit, "gave up after %d steps; the longest chain so far has %d certificates, up to %q, and leads to no trusted CA yet", b.steps, n, b.longest[n-1].Name())
}

// goesOn reports whether some known certificate may have issued c.
func (b *builder) goesOn(c *cert.Cert) bool {
	return b.verifier.Exhausted() || slices.ContainsFunc(b.bySubject[c.IssuerKey], func(i *cert.Cert) bool { return !i.Same(c) && b.signed(c, i) })
}

// sameName reports issuers that have the right name but whose key did not sign c.
func (b *builder) sameName(c *cert.Cert) finding.List {
	var found finding.List
	for _, i := range b.bySubject[c.IssuerKey] {
		if i.Same(c) || b.signed(c, i) {
			continue
		}
		if len(c.AuthorityKeyId) > 0 && string(c.AuthorityKeyId) == string(i.SubjectKeyId) {
			return finding.List{c.Finding(finding.BadSignature, "its signature is not that of its issuer %q (%s)", c.IssuerName(), place(i))}
		}
		found = finding.List{c.Finding(finding.CAOtherKey, "its issuer %q is there (%s), but its key is not the one that signed it", c.IssuerName(), place(i))}
	}
	return found
}

func place(c *cert.Cert) string { return finding.Finding{File: c.File, Block: c.Block}.Where() }

// roots names the CAs of the CA file.
func (b *builder) roots() string {
	if len(b.q.CAs) == 0 {
		return "no CA"
	}
	name := `"` + b.q.CAs[0].Name() + `"`
	if len(b.q.CAs) > 1 {
		name += " and others"
	}
	return name
}

// likelyMissing guesses whether the unknown issuer of c is an intermediate below
// one of the CAs, or another CA. Nothing in c decides that, so names do: a CA and
// its intermediate usually have similar names.
func (b *builder) likelyMissing(c *cert.Cert) bool {
	if b.q.PublicCAs {
		return true
	}
	issuer := words(c.IssuerName())
	switch {
	case issuer["root"]:
		return false
	case issuer["intermediate"], issuer["issuing"], issuer["sub"], issuer["subordinate"], issuer["ica"], issuer["inter"]:
		return true
	}
	for _, ca := range b.q.CAs {
		if ca.MaxPathLen == 0 && ca.BasicConstraintsValid {
			continue // it cannot have an intermediate
		}
		for w := range words(ca.Name()) {
			if issuer[w] && !common(w) {
				return true
			}
		}
	}
	return false
}

// words splits the values of a name into words, without the types of its parts.
func words(name string) map[string]bool {
	set := make(map[string]bool)
	for part := range strings.SplitSeq(name, ",") {
		_, value, ok := strings.Cut(part, "=")
		if !ok {
			value = part
		}
		for _, w := range strings.FieldsFunc(strings.ToLower(value), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			set[w] = true
		}
	}
	return set
}

// common reports whether w is in the names of many CAs, or is short like a country
// code.
func common(w string) bool {
	switch w {
	case "ca", "root", "authority", "certificate", "certification", "cert", "tls", "ssl", "the", "of", "inc", "ltd", "llc", "co", "com", "org", "net", "corp", "gmbh":
		return true
	}
	return len(w) <= 2
}
