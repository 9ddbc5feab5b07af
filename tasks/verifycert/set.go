package verifycert

import (
	"context"
	"net/netip"
	"path/filepath"
	"slices"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/crl"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/names"
	"github.com/initbox/initbox/internal/pki/path"
	"github.com/initbox/initbox/internal/pki/privatekey"
	"github.com/initbox/initbox/internal/pki/profile"
)

// A set is certificates that belong together: a leaf, its chain, perhaps its key.
type set struct {
	name string
	kind string // directory, files, keystore, bundle or remote

	certs      []*cert.Cert // in the order of the file, which should have the leaf first
	cas        []*cert.Cert // CAs of this set alone
	shared     []*cert.Cert // certificates that flags name for all sets
	caFile     bool         // the set has a file of CAs, perhaps an unreadable one
	unreadable bool         // some certificate of the chain could not be parsed
	key        privatekey.Key
	keyFile    string
	dnsName    string     // the name that a remote server was asked for,
	ip         netip.Addr // or the address

	findings   finding.List
	unfinished bool // the context ended the check, so findings may be incomplete
	path       []*cert.Cert
	listed     []certificate // for the output; the certificates of bundles are not kept
	count      int           // number of certificates in a bundle
}

func (s *set) readChain(ctx context.Context, data []byte, file string) {
	certs, l := cert.ReadAll(ctx, data, file)
	s.certs = certs
	s.findings = append(s.findings, l...)
	s.unreadable = s.unreadable || l.Failed()
}

// check checks s against all rules. When ctx is done, it adds only what is
// certain: something that seems to be missing may just not have been read.
func (v *verifier) check(ctx context.Context, s *set) {
	if s.kind == "bundle" {
		return // its blocks were checked one by one
	}
	s.findings = append(s.findings, v.shared.findings...)
	s.shared = v.shared.named
	if ctx.Err() != nil {
		return
	}
	if len(s.certs) == 0 {
		if len(s.findings) == 0 {
			s.findings.Add(finding.FileEmpty, s.name, 0, "there is no certificate")
		}
		return
	}
	if s.leafUnreadable() {
		return // its fault is reported; without a leaf nothing else can be judged
	}
	leaf := s.findLeaf()
	q := v.query(s, leaf)
	if len(q.CAs) == 0 && !s.caFile && !v.shared.given {
		s.findings.Add(finding.CAMissing, s.name, 0, "there is no ca.crt, and no --ca, --truststore or --system-roots")
	}
	lists := crl.New(ctx, crl.Query{Lists: v.shared.crls, Others: q.Intermediates, At: v.at, Skew: v.task.ClockSkew, All: v.task.Strict})
	if len(v.task.CRLs) > 0 {
		q.Revocation = lists.Check
	}
	r := path.Find(ctx, q)
	s.path = r.Path
	if ctx.Err() != nil { // another path may be better, but the leaf is on every path
		s.path = r.Path[:1]
		s.findings = append(s.findings, path.Dates(leaf, q.At, q.Skew, q.MinValidity)...)
		v.names(s, leaf)
		return
	}
	s.findings = append(s.findings, r.Findings...)
	if !r.Complete && !s.findings.Failed() {
		// Even without a known reason, a chain that was not verified is not good.
		s.findings = append(s.findings, leaf.Finding(finding.CAMissing, "no chain to a trusted CA could be verified"))
	}
	s.arrangement(leaf, r)
	v.names(s, leaf)
	if v.task.Strict {
		s.findings = append(s.findings, profile.Check(r.Path, r.Complete, v.wanted.serves)...)
	}
	s.findings = append(s.findings, lists.Remarks(r.Findings)...)
}

// query returns the query for the best path from leaf.
func (v *verifier) query(s *set, leaf *cert.Cert) path.Query {
	q := path.Query{
		Leaf: leaf, CAs: slices.Concat(s.cas, v.shared.cas), Intermediates: slices.Concat(s.certs, v.shared.intermediates),
		PartialChain: v.task.PartialChain, PublicCAs: v.shared.public, Unreadable: s.unreadable || unparsed(s.findings),
		At: v.at, Skew: v.task.ClockSkew, MinValidity: v.task.MinValidity, Usages: v.wanted.usages,
	}
	if s.kind == "remote" && v.task.Usage == "" {
		q.Usages = usagesOf("server") // clients accept no other certificate
	}
	return q
}

// unparsed reports whether some certificate could not be parsed.
func unparsed(l finding.List) bool {
	return slices.ContainsFunc([]finding.Code{finding.CertMalformed, finding.PEMMalformed, finding.SerialNegative, finding.VersionInvalid,
		finding.AlgorithmMismatch, finding.DuplicateExtension, finding.Criticality, finding.KeyUnsupported, finding.NameConstraintsMalformed}, l.Has)
}

// leafUnreadable reports whether something unreadable comes before the first
// certificate, and no certificate belongs to the key.
func (s *set) leafUnreadable() bool {
	if slices.ContainsFunc(s.certs, s.belongs) {
		return false
	}
	first := s.certs[0]
	return slices.ContainsFunc(s.findings, func(f finding.Finding) bool {
		return f.File == first.File && f.Block > 0 && f.Block < first.Block && !f.Warning
	})
}

// belongs reports whether c is the certificate of the key.
func (s *set) belongs(c *cert.Cert) bool {
	return s.key != nil && privatekey.Matches(s.key, c.PublicKey)
}

// findLeaf returns the leaf. It should be the first certificate: the one that the
// key belongs to, or else the first that is not a CA.
func (s *set) findLeaf() *cert.Cert {
	leaf := s.certs[0]
	if s.belongs(leaf) {
		return leaf
	}
	isLeaf := func(c *cert.Cert) bool { return !c.IsCA }
	match := slices.IndexFunc(s.certs, func(c *cert.Cert) bool { return s.belongs(c) && (isLeaf(c) || !isLeaf(leaf)) })
	if match < 0 && !isLeaf(leaf) {
		match = slices.IndexFunc(s.certs, isLeaf)
	}
	if match > 0 {
		leaf = s.certs[match]
		s.findings = append(s.findings, leaf.Finding(finding.LeafNotFirst, "the leaf is not the first certificate of the file"))
	}
	if s.key != nil && !s.belongs(leaf) {
		s.findings = append(s.findings, leaf.Finding(finding.KeyMismatch, "the key in %s (%s) does not belong to it (%s)",
			filepath.Base(s.keyFile), privatekey.Describe(s.key.Public()), privatekey.Describe(leaf.PublicKey)))
	}
	return leaf
}

// arrangement checks which certificates the file has, and in which order.
// Keystores are exempt: their order does not matter, and they usually contain the
// root.
func (s *set) arrangement(leaf *cert.Cert, r path.Result) {
	if !r.Complete || s.kind == "keystore" {
		return
	}
	root := r.Path[len(r.Path)-1]
	seen := make(map[string]bool)
	for i, c := range s.certs {
		raw := string(c.Raw)
		switch {
		case c == leaf:
		case seen[raw] || c.Same(leaf):
			s.findings = append(s.findings, c.Finding(finding.Superfluous, "it is in the file twice"))
		case !r.Issuers[raw]:
			s.findings = append(s.findings, c.Finding(finding.Superfluous, "nothing in the chain was issued by it"))
		case i > 0 && c.Same(root) && c.SelfIssued() && len(r.Path) > 1:
			s.findings = append(s.findings, c.Finding(finding.RootIncluded, "it is the root of the chain"))
		}
		seen[raw] = true
	}
	last := -1
	for _, c := range r.Path {
		at := slices.IndexFunc(s.certs, c.Same)
		if at < 0 || s.findings.Has(finding.LeafNotFirst) && c == leaf {
			continue
		}
		if at < last {
			s.findings = append(s.findings, s.certs[at].Finding(finding.WrongOrder, "it must come after the certificate that it issued"))
			return
		}
		last = at
	}
}

// names checks the names that the leaf must be for.
func (v *verifier) names(s *set, leaf *cert.Cert) {
	dns, ips := v.wanted.dnsNames, v.wanted.ips
	if s.dnsName != "" && len(dns)+len(ips)+len(v.wanted.uris) == 0 {
		dns = []string{s.dnsName}
	}
	if s.ip.IsValid() && len(dns)+len(ips)+len(v.wanted.uris) == 0 {
		ips = []netip.Addr{s.ip}
	}
	has := cert.Clip(joinNames(leaf))
	for _, n := range dns {
		if !names.MatchDNS(n, leaf.DNSNames) {
			s.findings = append(s.findings, leaf.Finding(finding.NameDNS, "it is not for %s but for %s", n, has))
		}
	}
	for _, ip := range ips {
		if !names.MatchIP(ip, leaf.IPAddresses) {
			s.findings = append(s.findings, leaf.Finding(finding.NameIP, "it is not for %s but for %s", ip, has))
		}
	}
	for _, u := range v.wanted.uris {
		if !names.MatchURI(u, leaf.URIs) {
			s.findings = append(s.findings, leaf.Finding(finding.NameURI, "it is not for %s but for %s", u, has))
		}
	}
}
