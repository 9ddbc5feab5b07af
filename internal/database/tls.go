package database

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/network/peercert"
)

// Modes of TLS, from none to a full check of the certificate. The names are libpq's
// (https://www.postgresql.org/docs/current/libpq-ssl.html).
const (
	TLSDisable    = "disable"
	TLSAllow      = "allow"
	TLSPrefer     = "prefer"
	TLSRequire    = "require"
	TLSVerifyCA   = "verify-ca"
	TLSVerifyFull = "verify-full"
)

// TLSConfig returns the TLS configuration for mode, with the server name and the files
// of o. host is the name of the server, "" for none.
func (o *Options) TLSConfig(files *mount.Reader, mode, host string) (*tls.Config, error) {
	config := &tls.Config{ServerName: cmp.Or(o.ServerName, host), MinVersion: tls.VersionTLS12}
	if o.CA != "" {
		pem, err := files.Flag("db-ca", o.CA)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, mount.BadFlag("db-ca", o.CA, "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
		}
	}
	if o.Cert != "" || o.Key != "" {
		pair, err := o.KeyPair(files)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case TLSPrefer, TLSRequire:
		config.InsecureSkipVerify = true
	case TLSVerifyCA: // the chain, but not the name
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(state tls.ConnectionState) error { return VerifyChain(state, config.RootCAs) }
	}
	if net.ParseIP(config.ServerName) != nil && config.InsecureSkipVerify {
		config.ServerName = ""
	}
	return config, nil
}

// KeyPair reads the client certificate and its key.
func (o *Options) KeyPair(files *mount.Reader) (tls.Certificate, error) {
	cert, err := files.Flag("db-cert", o.Cert)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := files.Flag("db-key", o.Key)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return pair, fmt.Errorf("--db-cert %s and --db-key %s are no pair of certificate and key: %w", o.Cert, o.Key, err)
	}
	return pair, nil
}

// VerifyChain checks the chain of the server's certificate, but not its name.
func VerifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
	chain := state.PeerCertificates
	options := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
	for _, c := range chain[1:] {
		options.Intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	return nil
}

// NoTLS returns the verdict on a server without TLS.
func NoTLS() Verdict {
	return final("the server has no TLS", "give --db-tls disable if that is meant, or switch TLS on in the server")
}

func final(text, next string) Verdict { return Verdict{Final: true, Text: text, Next: next} }

// explainTLS returns the meaning of err, and false if err is not about TLS. Every
// verdict is final: a retry does not fix a certificate.
func explainTLS(err error) (Verdict, bool) {
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return final("the server does not speak TLS", "check the port"), true
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return final("the server ended TLS: "+strings.TrimPrefix(alert.Err.Error(), "tls: "),
			"check --db-cert and --db-key, and which CA the server trusts for clients; its log says more"), true
	}
	if failed, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return explainCertificate(failed.UnverifiedCertificates, failed.Err), true
	}
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return explainCertificate([]*x509.Certificate{unknown.Cert}, err), true
	}
	if errors.As(err, new(x509.CertificateInvalidError)) || errors.As(err, new(x509.HostnameError)) || errors.As(err, new(x509.SystemRootsError)) {
		return explainCertificate(nil, err), true
	}
	reason, ok := strings.CutPrefix(Root(err).Error(), "tls: ")
	return final("TLS failed: "+reason, "look at the server's log"), ok
}

func explainCertificate(chain []*x509.Certificate, err error) Verdict {
	return final(peercert.Words{
		Certificate: "the server's certificate", Trusted: "a CA that is trusted here",
		GiveCA: "give the CA that signed it with --db-ca; if there is one it may have been renewed",
		CAFlag: "--db-ca", NameFlag: "--db-server-name",
	}.Explain(chain, err))
}
