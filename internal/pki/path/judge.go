package path

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// judge returns all that RFC 5280, section 6.1 has against path, the leaf first.
// Signatures were checked when it was built. Comparisons of names count into
// comparisons, and are bounded by it. Like crypto/x509 and OpenSSL it
// holds the root to its own dates and constraints too, which the RFC leaves open.
func (q Query) judge(ctx context.Context, path []*cert.Cert, comparisons *int) finding.List {
	var found finding.List
	found = append(found, q.dates(path)...)
	intermediates := 0 // below the present certificate, self-issued ones not counted
	for i, c := range path {
		found = append(found, criticalExtensions(c)...)
		if i == 0 {
			continue
		}
		found = append(found, mayIssue(c, i == len(path)-1)...)
		if c.BasicConstraintsValid && c.MaxPathLen >= 0 && intermediates > c.MaxPathLen {
			found = append(found, c.Finding(finding.PathLength, "its path length is %d, but %d CAs stand below it", c.MaxPathLen, intermediates))
		}
		if !c.SelfIssued() {
			intermediates++
		}
	}
	found = append(found, q.usages(path)...)
	found = append(found, nameConstraints(ctx, path, comparisons)...)
	return append(found, policies(path)...)
}

// layout is how dates are shown.
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

// criticalExtensions returns those of c that are critical and not understood.
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

// mayIssue returns what keeps c from issuing certificates. A root of version 1
// has nothing to say that it is a CA; that it is trusted must do.
func mayIssue(c *cert.Cert, last bool) finding.List {
	var found finding.List
	switch {
	case c.BasicConstraintsValid && !c.IsCA:
		found = append(found, c.Finding(finding.NotCA, "it signed another certificate, but its basicConstraints say that it is no CA"))
	case !c.BasicConstraintsValid && (c.Version == 3 || !last):
		found = append(found, c.Finding(finding.NotCA, "it signed another certificate, but has no basicConstraints that say that it is a CA"))
	}
	if c.HasKeyUsage() && c.KeyUsage&x509.KeyUsageCertSign == 0 {
		found = append(found, c.Finding(finding.CAKeyUsage, "its keyUsage lacks keyCertSign"))
	}
	return found
}

// usageName is what --usage calls an extended key usage.
func usageName(u x509.ExtKeyUsage) string {
	switch u {
	case x509.ExtKeyUsageServerAuth:
		return "server (serverAuth)"
	case x509.ExtKeyUsageClientAuth:
		return "client (clientAuth)"
	}
	return "an unknown usage"
}

// usages holds every certificate of path to the extended key usages asked for:
// that a CA's bind what it issues is the practice of all verifiers, not RFC 5280.
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
