package db

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
)

// explainTLS puts a problem of TLS in words, or returns nil if err is none. All
// of them are permanent: certificates do not heal while somebody waits.
func (t *Target) explainTLS(err error) error {
	var (
		record  tls.RecordHeaderError
		alert   *net.OpError
		verify  *tls.CertificateVerificationError
		unknown x509.UnknownAuthorityError
	)
	text := root(err).Error()
	switch {
	case errors.Is(err, mysql.ErrNoTLS), text == "server refused TLS connection":
		return final(err, "give --db-tls disable if that is meant, or switch TLS on in the server", "the server has no TLS")
	case errors.As(err, &record):
		return final(err, "check the port", "the server does not speak TLS")
	case errors.As(err, &alert) && alert.Op == "remote error":
		return final(err, "check --db-cert and --db-key, and which CA the server trusts for clients; its log says more",
			"the server ended TLS: %s", strings.TrimPrefix(alert.Err.Error(), "tls: "))
	case errors.As(err, &verify):
		return t.explainCertificate(verify.UnverifiedCertificates, verify.Err)
	case errors.As(err, &unknown):
		return t.explainCertificate([]*x509.Certificate{unknown.Cert}, err)
	case errors.As(err, new(x509.CertificateInvalidError)), errors.As(err, new(x509.HostnameError)), errors.As(err, new(x509.SystemRootsError)):
		return t.explainCertificate(nil, err)
	case strings.HasPrefix(text, "tls: "):
		return final(err, "look at the server's log", "TLS failed: %s", strings.TrimPrefix(text, "tls: "))
	}
	return nil
}

func final(cause error, next, format string, args ...any) error {
	return verdict{true, next}.apply(cause, fmt.Sprintf(format, args...))
}

// explainCertificate says what is wrong with the server's certificate. Package
// x509 would put the present time into it.
func (t *Target) explainCertificate(chain []*x509.Certificate, err error) error {
	var (
		invalid  x509.CertificateInvalidError
		unknown  x509.UnknownAuthorityError
		wrong    x509.HostnameError
		noSystem x509.SystemRootsError
	)
	switch {
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return explainValidity(invalid.Cert, err)
	case errors.As(err, &unknown):
		return explainAuthority(chain, err)
	case errors.As(err, &wrong):
		return final(err, "use a host that is in the certificate, or give the name with --db-server-name",
			"the server's certificate is for %s, not for %s", namesOf(wrong.Certificate), wrong.Host)
	case errors.As(err, &noSystem):
		return final(err, "give the CA with --db-ca", "the server's certificate cannot be checked: the image has no CAs")
	}
	return final(err, "replace the server's certificate", "the server's certificate is not valid: %s", strings.TrimPrefix(root(err).Error(), "x509: "))
}

func explainValidity(cert *x509.Certificate, err error) error {
	const layout = "2006-01-02 15:04:05 UTC"
	which := "the server's certificate"
	if cert.IsCA {
		which = "the CA behind the server's certificate, " + cert.Subject.String() + ","
	}
	if time.Now().Before(cert.NotBefore) {
		return final(err, "check the clocks of this node and of whoever made the certificate", "%s is not valid before %s", which, cert.NotBefore.UTC().Format(layout))
	}
	next := "renew it (cert-manager: kubectl get certificates -A), and reload the server if it does not read it again by itself"
	if cert.IsCA {
		next = "put the renewed CA into the file of --db-ca; if there is none yet, renew it, and then what it has issued"
	}
	return final(err, next,
		"%s expired on %s", which, cert.NotAfter.UTC().Format(layout))
}

func explainAuthority(chain []*x509.Certificate, err error) error {
	const next = "give the CA that signed it with --db-ca; if there is one it may have been renewed"
	if len(chain) == 0 || chain[0] == nil {
		return final(err, next, "the server's certificate is signed by no CA that is trusted here")
	}
	if leaf := chain[0]; len(chain) == 1 && string(leaf.RawIssuer) == string(leaf.RawSubject) {
		return final(err, next, "the server's certificate is signed by itself (%s), not by a CA that is trusted here", leaf.Subject)
	}
	return final(err, next, "the server's certificate is signed by %s, which is not trusted here", chain[len(chain)-1].Issuer)
}

// shownNames is how many names of a certificate an error lists.
const shownNames = 5

func namesOf(cert *x509.Certificate) string {
	names := append([]string(nil), cert.DNSNames...)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	switch n := len(names); {
	case n == 0:
		return "no name (its subject is " + cert.Subject.String() + ", and it has no subjectAltName)"
	case n > shownNames:
		return fmt.Sprintf("%s and %d more", strings.Join(names[:shownNames], ", "), n-shownNames)
	}
	return strings.Join(names, ", ")
}
