// Package crl checks certificates against mounted revocation lists.
package crl

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/encoding"
	"github.com/initbox/initbox/internal/pki/finding"
)

// A List is one revocation list and where it stood.
type List struct {
	*x509.RevocationList
	File  string
	Block int

	issuerKey string
	scope     scope
	refused   string // why it cannot be used, "" if it can
}

// Read returns the CRLs in data, PEM or DER.
func Read(data []byte, file string) ([]*List, finding.List) {
	var (
		lists []*List
		found finding.List
	)
	traps := encoding.Each(data, file, func(b encoding.Block) {
		if b.Type != "X509 CRL" && b.Type != "CRL" && b.Type != "" {
			found.Add(finding.PEMWrongKind, file, b.Number, "it is %s, not a CRL", cert.Kind(b.Type))
			return
		}
		rl, err := x509.ParseRevocationList(b.DER)
		if err != nil {
			found.Add(finding.CRLMalformed, file, b.Number, "%s", cert.Clip(strings.TrimPrefix(err.Error(), "x509: ")))
			return
		}
		l := &List{RevocationList: rl, File: file, Block: b.Number, issuerKey: cert.NameKey(rl.RawIssuer)}
		l.readExtensions()
		if l.refused != "" {
			found = append(found, l.finding(finding.CRLUnsupported, "%s", l.refused))
		}
		lists = append(lists, l)
	})
	return lists, append(traps, found...)
}

func (l *List) finding(code finding.Code, format string, args ...any) finding.Finding {
	f := finding.New(code, l.File, l.Block, format, args...)
	f.Subject = cert.Clip(l.Issuer.String())
	return f
}

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

// Check returns which certificates of the path are revoked, and why that cannot
// be told.
func Check(q Query) finding.List {
	var found finding.List
	for i := 0; i+1 < len(q.Path); i++ {
		found = append(found, q.one(q.Path[i], q.Path[i+1:], i == 0)...)
	}
	if len(q.Path) == 1 && !(q.Complete && q.Path[0].SelfSigned()) {
		found = append(found, q.Path[0].Finding(finding.CRLOtherIssuer, "its issuer is not known, so no CRL can be checked"))
	}
	return found
}

// one checks c, which the first of above signed, which the next one signed.
func (q Query) one(c *cert.Cert, above []*cert.Cert, leaf bool) finding.List {
	var faults finding.List // of the lists that would be the right ones
	covered := false
	for _, l := range q.Lists {
		if l.issuerKey != c.IssuerKey || !l.scope.covers(c) {
			continue
		}
		if l.refused != "" {
			faults = append(faults, l.finding(finding.CRLUnsupported, "%s", l.refused))
			continue
		}
		if why := q.signatureFault(l, above); why != "" {
			faults = append(faults, l.finding(finding.CRLSignature, "%s", why))
			continue
		}
		if f := l.revoked(c); f != nil {
			return f // that cannot become untrue by age
		}
		if why := q.stale(l); why != "" {
			faults = append(faults, l.finding(finding.CRLStale, "%s", why))
			continue
		}
		covered = true
	}
	switch {
	case covered:
		return nil
	case len(faults) > 0:
		return withoutRefused(faults)
	case leaf:
		return finding.List{c.Finding(finding.CRLOtherIssuer, "no CRL covers what its issuer %q has issued; those given are from %s", c.IssuerName(), q.issuers())}
	case q.All:
		return finding.List{c.Finding(finding.CRLMissing, "there is no CRL of its issuer %q", c.IssuerName())}
	}
	return nil
}

// withoutRefused drops what Read has reported already.
func withoutRefused(l finding.List) finding.List {
	return slices.DeleteFunc(l, func(f finding.Finding) bool { return f.Code == finding.CRLUnsupported })
}

// signatureFault returns why l is not the word of the issuer, the first of above.
// A CA may have a second key for CRLs, in a certificate of the same name (RFC
// 5280, 6.3.3 f): another one on the chain if it has a new key, or one that
// anything on the chain has issued.
func (q Query) signatureFault(l *List, above []*cert.Cert) string {
	why := signedBy(l, above[0])
	for _, c := range above[1:] {
		if why != "" && c.SubjectKey == above[0].SubjectKey && signedBy(l, c) == "" {
			return ""
		}
	}
	for _, c := range q.Others {
		if why == "" {
			break
		}
		if c.SubjectKey != above[0].SubjectKey || c.KeyUsage&x509.KeyUsageCRLSign == 0 || signedBy(l, c) != "" {
			continue
		}
		if slices.ContainsFunc(above, func(i *cert.Cert) bool { return cert.VerifySignature(c, i) == cert.SignatureGood }) {
			return q.dated(c)
		}
	}
	return why
}

// dated returns why c, the certificate of a key for CRLs, cannot be used now.
func (q Query) dated(c *cert.Cert) string {
	if q.At.Add(q.Skew).Before(c.NotBefore) || q.At.Add(-q.Skew).After(c.NotAfter) {
		return fmt.Sprintf("the certificate of the key that signed it (%s block %d) is not valid now", c.File, c.Block)
	}
	return ""
}

// signedBy returns why issuer's key has not signed l, or "".
func signedBy(l *List, issuer *cert.Cert) string {
	if issuer.HasKeyUsage() && issuer.KeyUsage&x509.KeyUsageCRLSign == 0 {
		return fmt.Sprintf("the keyUsage of %q lacks cRLSign, so it may not sign CRLs", issuer.Name())
	}
	switch issuer.Verify(l.SignatureAlgorithm, l.RawTBSRevocationList, l.Signature) {
	case cert.SignatureGood:
		return ""
	case cert.SignatureWeak:
		return fmt.Sprintf("it is signed with %s, which anybody may forge", l.SignatureAlgorithm)
	case cert.SignatureUnsupported:
		return fmt.Sprintf("its signature, %s by a key of %q, is of a kind that is not supported", l.SignatureAlgorithm, issuer.Name())
	}
	return "it was not signed by the key of the CA on the chain"
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

func (q Query) issuers() string {
	var names []string
	for _, l := range q.Lists {
		if n := fmt.Sprintf("%q", cert.Clip(l.Issuer.String())); !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	const shown = 3
	if len(names) > shown {
		names = append(names[:shown], "others")
	}
	if len(names) == 0 {
		return "nobody"
	}
	return strings.Join(names, ", ")
}

// revoked returns the finding if c is on l.
func (l *List) revoked(c *cert.Cert) finding.List {
	for _, e := range l.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(c.SerialNumber) == 0 {
			return finding.List{c.Finding(finding.Revoked, "it was revoked on %s: %s (%s)",
				e.RevocationTime.UTC().Format("2006-01-02"), reason(e.ReasonCode), l.File)}
		}
	}
	return nil
}

// reason names the reason codes of RFC 5280, section 5.3.1.
func reason(code int) string {
	names := []string{"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise"}
	if code < 0 || code >= len(names) || names[code] == "" {
		return fmt.Sprintf("reason %d", code)
	}
	return names[code]
}

// readExtensions finds out what l is about, and whether it can be used.
func (l *List) readExtensions() {
	for _, e := range l.Extensions {
		l.readExtension(e)
	}
	for _, r := range l.RevokedCertificateEntries {
		for _, e := range r.Extensions {
			if e.Critical && e.Id.String() != "2.5.29.21" {
				l.refused = "it has entries with the critical extension " + e.Id.String() + ", as an indirect CRL has"
			}
		}
	}
}

func (l *List) readExtension(e pkix.Extension) {
	switch id := e.Id.String(); id {
	case "2.5.29.27":
		l.refused = "it is a delta CRL, which says only what has changed"
	case "2.5.29.28":
		l.refused = l.scope.read(e.Value)
	case "2.5.29.20":
		if e.Critical {
			l.refused = "its cRLNumber is critical, which RFC 5280 forbids"
		}
	case "2.5.29.35":
	default:
		if e.Critical {
			l.refused = "it has the critical extension " + id + ", which is not known"
		}
	}
}
