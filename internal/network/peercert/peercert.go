// Package peercert says what is wrong with a server's certificate, in the same
// words for every protocol.
package peercert

import (
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/internal/text"
)

// Words are the names and advice that an explanation uses.
type Words struct {
	Certificate string // "the server's certificate"
	Trusted     string // who should have signed it: "a CA that the system trusts"
	GiveCA      string // what to do if another CA has signed it
	CAFlag      string // the flag that names the file with the CAs: "--ca"
	NameFlag    string // the flag for a name other than the host: "--server-name"
}

// Explain returns what is wrong and the next step to try. err comes from
// crypto/x509. Its text contains the current time, so it would differ at every
// attempt. chain is what the server presented, its own certificate first, or
// nil if that is not known.
func (w Words) Explain(chain []*x509.Certificate, err error) (fault, next string) {
	var (
		invalid  x509.CertificateInvalidError
		unknown  x509.UnknownAuthorityError
		wrong    x509.HostnameError
		noSystem x509.SystemRootsError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return w.validity(chain, invalid.Cert)
	case errors.As(err, &unknown):
		return w.authority(chain)
	case errors.As(err, &wrong):
		return fmt.Sprintf("%s is for %s, not for %s", w.Certificate, names(wrong.Certificate), wrong.Host),
			"use a name that is in the certificate, or give it with " + w.NameFlag
	case errors.As(err, &noSystem):
		return w.Certificate + " cannot be checked: the image has no CAs", "give the CA with " + w.CAFlag
	}
	if invalid.Cert != nil {
		err = invalid
	}
	return w.Certificate + " is not valid: " + strings.TrimPrefix(err.Error(), "x509: "), "replace the server's certificate"
}

func (w Words) validity(chain []*x509.Certificate, cert *x509.Certificate) (fault, next string) {
	const layout = "2006-01-02 15:04:05 UTC"
	place := slices.IndexFunc(chain, cert.Equal)
	which := w.Certificate
	if cert.IsCA && place != 0 { // openssl req -x509 marks a server's certificate as a CA too
		which = "the CA certificate " + subject(cert) + " in the chain of " + w.Certificate
	}
	if time.Now().Before(cert.NotBefore) {
		return fmt.Sprintf("%s is not valid before %s", which, cert.NotBefore.UTC().Format(layout)),
			"check the clocks of this node and of the machine that issued the certificate"
	}
	next = "renew it (cert-manager: kubectl get certificates -A), and restart or reload the server if it does not pick it up by itself"
	if cert.IsCA && place < 0 { // the server did not present it, so it comes from the CA file
		next = "put the renewed CA into the file of " + w.CAFlag + "; if there is none yet, renew it, and then what it has issued"
	}
	return fmt.Sprintf("%s expired on %s", which, cert.NotAfter.UTC().Format(layout)), next
}

func (w Words) authority(chain []*x509.Certificate) (fault, next string) {
	if len(chain) == 0 || chain[0] == nil {
		return fmt.Sprintf("%s is not signed by %s", w.Certificate, w.Trusted), w.GiveCA
	}
	if leaf := chain[0]; len(chain) == 1 && string(leaf.RawIssuer) == string(leaf.RawSubject) {
		return fmt.Sprintf("%s is signed by itself (%s), not by %s", w.Certificate, subject(leaf), w.Trusted), w.GiveCA
	}
	issuer := chain[len(chain)-1].Issuer.String()
	if issuer == "" {
		issuer = "an unnamed CA"
	}
	return fmt.Sprintf("%s is signed by %s, not by %s", w.Certificate, text.Clip(issuer), w.Trusted), w.GiveCA
}

// shownNames is how many names of a certificate an explanation lists.
const shownNames = 5

// names lists the names that the certificate is for.
func names(cert *x509.Certificate) string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name (its subject is " + subject(cert) + ", and it has no subjectAltName)"
	}
	more := ""
	if n := len(names) - shownNames; n > 0 {
		names, more = names[:shownNames], fmt.Sprintf(" and %d more", n)
	}
	return text.Clip(strings.Join(names, ", ")) + more
}

func subject(cert *x509.Certificate) string {
	if name := cert.Subject.String(); name != "" {
		return text.Clip(name)
	}
	return "without a subject"
}
