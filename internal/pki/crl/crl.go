// Package crl checks certificates against mounted revocation lists.
package crl

import (
	"context"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/encoding"
	"github.com/initbox/initbox/internal/pki/finding"
)

// A List is one revocation list and its place in a file.
type List struct {
	*x509.RevocationList
	File  string
	Block int

	issuerKey string
	scope     scope
	refused   string // why it cannot be used, "" if it can
}

// Read returns the CRLs in data, PEM or DER, until ctx is done. It includes those
// that cannot be used, because whether they matter depends on the others.
func Read(ctx context.Context, data []byte, file string) ([]*List, finding.List) {
	var (
		lists []*List
		found finding.List
	)
	traps := encoding.Each(data, file, func(b encoding.Block) {
		if ctx.Err() != nil {
			return
		}
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
		lists = append(lists, l)
	})
	return lists, append(traps, found...)
}

func (l *List) finding(code finding.Code, format string, args ...any) finding.Finding {
	f := finding.New(code, l.File, l.Block, format, args...)
	f.Subject = cert.Clip(l.Issuer.String())
	return f
}

// revoked returns the finding if l revokes c.
func (l *List) revoked(c *cert.Cert) finding.List {
	for _, e := range l.RevokedCertificateEntries {
		if e.SerialNumber.Cmp(c.SerialNumber) == 0 {
			return finding.List{c.Finding(finding.Revoked, "it was revoked on %s: %s (%s)",
				e.RevocationTime.UTC().Format("2006-01-02"), reason(e.ReasonCode), l.File)}
		}
	}
	return nil
}

// reason returns the name of a reason code of RFC 5280, section 5.3.1.
func reason(code int) string {
	names := []string{"unspecified", "keyCompromise", "cACompromise", "affiliationChanged", "superseded",
		"cessationOfOperation", "certificateHold", "", "removeFromCRL", "privilegeWithdrawn", "aACompromise"}
	if code < 0 || code >= len(names) || names[code] == "" {
		return fmt.Sprintf("reason %d", code)
	}
	return names[code]
}

// readExtensions finds out which certificates l covers, and whether l can be used.
func (l *List) readExtensions() {
	seen := make(map[string]bool)
	for _, e := range l.Extensions {
		id := e.Id.String()
		if seen[id] {
			l.refuse("it has the extension " + id + " twice")
		}
		seen[id] = true
		l.readExtension(id, e)
	}
	for _, r := range l.RevokedCertificateEntries {
		for _, e := range r.Extensions {
			if e.Critical && e.Id.String() != "2.5.29.21" {
				l.refuse("it has entries with the critical extension " + e.Id.String() + ", as an indirect CRL has")
			}
		}
	}
}

func (l *List) readExtension(id string, e pkix.Extension) {
	switch id {
	case "2.5.29.27":
		l.refuse("it is a delta CRL, which lists only changes")
	case "2.5.29.28":
		l.refuse(l.scope.read(e.Value, l.RawIssuer))
	case "2.5.29.20":
		if e.Critical {
			l.refuse("its cRLNumber is critical, which RFC 5280 forbids")
		}
	case "2.5.29.35":
	default:
		if e.Critical {
			l.refuse("it has the critical extension " + id + ", which is not known")
		}
	}
}

// refuse notes why l cannot be used; "" is no reason. The first reason stays.
func (l *List) refuse(why string) {
	if l.refused == "" {
		l.refused = why
	}
}
