package path

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// judge returns everything that RFC 5280, section 6.1 has against path, the leaf
// first. The search has already checked the signatures. judge adds its comparisons
// of names to comparisons and stops at the limit. Like crypto/x509 and OpenSSL, it
// also checks the dates and constraints of the root, which the RFC leaves open.
func (q Query) judge(ctx context.Context, path []*cert.Cert, comparisons *int) finding.List {
	var found finding.List
	found = append(found, q.dates(path)...)
	intermediates := 0 // below the current certificate, not counting self-issued ones
	for i, c := range path {
		found = append(found, criticalExtensions(c)...)
		if i == 0 {
			continue
		}
		found = append(found, mayIssue(c, i == len(path)-1)...)
		if c.BasicConstraintsValid && c.MaxPathLen >= 0 && intermediates > c.MaxPathLen {
			found = append(found, c.Finding(finding.PathLength, "its path length is %d, but %d CAs are below it", c.MaxPathLen, intermediates))
		}
		if !c.SelfIssued() {
			intermediates++
		}
	}
	found = append(found, q.usages(path)...)
	found = append(found, nameConstraints(ctx, path, comparisons)...)
	return append(found, policies(path)...)
}

// layout is the format of dates in messages.
const layout = "2006-01-02 15:04:05 UTC"

// Dates judges the dates of one certificate that is on no path.
func Dates(c *cert.Cert, at time.Time, skew, minValidity time.Duration) finding.List {
	return Query{At: at, Skew: skew, MinValidity: minValidity}.dates([]*cert.Cert{c})
}

func (q Query) dates(path []*cert.Cert) finding.List {
	var (
		found    finding.List
		earliest *cert.Cert
	)
	for _, c := range path {
		switch {
		case q.At.Add(q.Skew).Before(c.NotBefore):
			found = append(found, c.Finding(finding.NotYetValid, "it is not valid before %s", c.NotBefore.UTC().Format(layout)))
		case q.At.Add(-q.Skew).After(c.NotAfter):
			found = append(found, c.Finding(finding.Expired, "it expired on %s", c.NotAfter.UTC().Format(layout)))
			continue
		}
		if earliest == nil || c.NotAfter.Before(earliest.NotAfter) {
			earliest = c
		}
	}
	if q.MinValidity > 0 && earliest != nil && earliest.NotAfter.Before(q.At.Add(q.MinValidity)) {
		found = append(found, earliest.Finding(finding.ExpiresSoon, "it expires on %s, in %s",
			earliest.NotAfter.UTC().Format(layout), earliest.NotAfter.Sub(q.At).Round(time.Minute)))
	}
	return found
}

// criticalExtensions returns the critical extensions of c that are not understood.
// Crypto/x509 does not understand directory names in name constraints; this
// package does.
func criticalExtensions(c *cert.Cert) finding.List {
	var found finding.List
	for _, id := range c.UnhandledCriticalExtensions {
		if s := id.String(); s == oidNameConstraints || s == oidSubjectAltName {
			continue
		}
		found = append(found, c.Finding(finding.CriticalExtension, "the critical extension %s is not known", id))
	}
	return found
}

// mayIssue returns why c may not issue certificates. A root of version 1 has no
// field that says that it is a CA; the trust of the user must be enough.
func mayIssue(c *cert.Cert, last bool) finding.List {
	var found finding.List
	switch {
	case c.BasicConstraintsValid && !c.IsCA:
		found = append(found, c.Finding(finding.NotCA, "it signed another certificate, but its basicConstraints say that it is not a CA"))
	case !c.BasicConstraintsValid && (c.Version == 3 || !last):
		found = append(found, c.Finding(finding.NotCA, "it signed another certificate, but has no basicConstraints that say that it is a CA"))
	}
	if c.HasKeyUsage() && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		found = append(found, c.Finding(finding.CAKeyUsage, "its keyUsage lacks keyCertSign"))
	}
	return found
}

// usageName is the name that --usage gives an extended key usage.
func usageName(u x509.ExtKeyUsage) string {
	switch u {
	case x509.ExtKeyUsageServerAuth:
		return "server (serverAuth)"
	case x509.ExtKeyUsageClientAuth:
		return "client (clientAuth)"
	}
	return "an unknown usage"
}

// usages checks that every certificate of path allows the wanted extended key
// usages. That a CA's usages limit what it issues is the practice of all
// verifiers, but not in RFC 5280.
func (q Query) usages(path []*cert.Cert) finding.List {
	var found finding.List
	for _, want := range q.Usages {
		for _, c := range path {
			if !c.HasExtKeyUsage() || slices.Contains(c.ExtKeyUsage, want) || slices.Contains(c.ExtKeyUsage, x509.ExtKeyUsageAny) {
				continue
			}
			found = append(found, c.Finding(finding.Usage, "its extended key usage does not include %s", usageName(want)))
		}
	}
	return found
}
