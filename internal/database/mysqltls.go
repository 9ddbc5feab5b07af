package database

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"

	"github.com/initbox/initbox/internal/files/mount"
)

// modesMySQL are the names that MySQL's own programs and go-sql-driver have for
// the modes of TLS.
var modesMySQL = map[string]string{
	"DISABLED": tlsDisable, "PREFERRED": tlsPrefer, "REQUIRED": tlsRequire, "VERIFY_CA": tlsVerifyCA, "VERIFY_IDENTITY": tlsVerifyFull,
	"false": tlsDisable, "preferred": tlsPrefer, "skip-verify": tlsRequire, "true": tlsVerifyFull, "custom": "",
	tlsDisable: tlsDisable, tlsPrefer: tlsPrefer, tlsRequire: tlsRequire, tlsVerifyCA: tlsVerifyCA, tlsVerifyFull: tlsVerifyFull,
}

// takeTLS takes what p's parameters say of TLS out of them, lets the flags
// replace it, and returns the configuration, nil for none. fallback allows a
// server that has no TLS.
func takeTLS(o *Options, p *place, files *mount.Reader) (config *tls.Config, fallback bool, err error) {
	take := func(names ...string) (value string) {
		for _, name := range names {
			value = cmp.Or(value, p.params[name])
			delete(p.params, name)
		}
		return value
	}
	said := take("sslmode", "ssl-mode", "tls")
	mode, ok := modesMySQL[said]
	if !ok && said != "" {
		return nil, false, fmt.Errorf("the mode of TLS in the URL is unknown: write tls=true, skip-verify, preferred or false, ssl-mode=VERIFY_IDENTITY, or give --db-tls")
	}
	ca := file{"db-ca", cmp.Or(o.CA, take("ssl-ca", "sslrootcert", "x-tls-ca"))}
	cert := file{"db-cert", cmp.Or(o.Cert, take("ssl-cert", "sslcert", "x-tls-cert"))}
	key := file{"db-key", cmp.Or(o.Key, take("ssl-key", "sslkey", "x-tls-key"))}
	if take("x-tls-insecure-skip-verify") == "true" {
		mode = tlsRequire
	}
	mode = cmp.Or(o.TLS, mode)
	switch {
	case mode == "" && ca.path != "":
		mode = tlsVerifyFull
	case mode == "" || mode == tlsAllow:
		mode = tlsPrefer
	case mode == tlsDisable:
		return nil, false, nil
	}
	name := cmp.Or(o.ServerName, p.hosts[0].name)
	config, err = newTLS(files, mode, name, ca, cert, key)
	return config, mode == tlsPrefer, err
}

// A file is one that a flag, or a parameter of a URL that stands for the flag, names.
type file struct{ flag, path string }

func newTLS(files *mount.Reader, mode, name string, ca, cert, key file) (*tls.Config, error) {
	config := &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12}
	if ca.path != "" {
		pem, err := files.Flag(ca.flag, ca.path)
		if err != nil {
			return nil, err
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, mount.BadFlag(ca.flag, ca.path, "it holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)")
		}
	}
	if cert.path != "" || key.path != "" {
		pair, err := keyPair(files, cert, key)
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	switch mode {
	case tlsPrefer, tlsRequire:
		config.InsecureSkipVerify = true
	case tlsVerifyCA: // the chain, but not the name
		config.InsecureSkipVerify = true
		config.VerifyConnection = func(state tls.ConnectionState) error { return verifyChain(state, config.RootCAs) }
	}
	if net.ParseIP(name) != nil && config.InsecureSkipVerify {
		config.ServerName = ""
	}
	return config, nil
}

func keyPair(files *mount.Reader, cert, key file) (tls.Certificate, error) {
	certPEM, err := files.Flag(cert.flag, cert.path)
	if err != nil {
		return tls.Certificate{}, err
	}
	keyPEM, err := files.Flag(key.flag, key.path)
	if err != nil {
		return tls.Certificate{}, err
	}
	pair, err := tls.X509KeyPair(certPEM, keyPEM)
	if err != nil {
		return pair, fmt.Errorf("--%s %s and --%s %s are no pair of certificate and key: %w", cert.flag, cert.path, key.flag, key.path, err)
	}
	return pair, nil
}

func verifyChain(state tls.ConnectionState, roots *x509.CertPool) error {
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
