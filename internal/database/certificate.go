package database

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/go-sql-driver/mysql"

	"github.com/initbox/initbox/internal/network/peercert"
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

func (t *Target) explainCertificate(chain []*x509.Certificate, err error) error {
	fault, next := peercert.Words{
		Certificate: "the server's certificate", Trusted: "a CA that is trusted here",
		GiveCA: "give the CA that signed it with --db-ca; if there is one it may have been renewed",
		CAFlag: "--db-ca", NameFlag: "--db-server-name",
	}.Explain(chain, err)
	return final(err, next, "%s", fault)
}
