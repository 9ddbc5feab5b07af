package keystore

import (
	"crypto/x509"
	"errors"
	"strings"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/privatekey"
)

func readPKCS12(data []byte, file string, password []byte) (*Store, finding.List) {
	if found := reasonable(data, file, 0); found != nil {
		return nil, found
	}
	key, leaf, others, err := pkcs12.DecodeChain(data, string(password))
	switch {
	case err == nil:
		return chainStore(key, append([]*x509.Certificate{leaf}, others...), file)
	case errors.Is(err, pkcs12.ErrIncorrectPassword), errors.Is(err, pkcs12.ErrDecryption):
		return nil, wrongPassword(file, password)
	case strings.Contains(err.Error(), "no MAC in data"):
		return nil, malformed(file, "it has no MAC, so it takes no password; leave out --password-file")
	case !strings.Contains(err.Error(), "private key missing") && !strings.Contains(err.Error(), "certificate missing"):
		return nil, malformed(file, "%s", cert.Clip(strings.TrimPrefix(err.Error(), "pkcs12: ")))
	}
	trusted, trustErr := pkcs12.DecodeTrustStore(data, string(password))
	if trustErr == nil {
		certs, found := cert.FromChain(trusted, file)
		if len(trusted) == 0 {
			found.Add(finding.StoreEmpty, file, 0, "it has no certificate")
		}
		return &Store{Trusted: certs}, found
	}
	why := "it has neither a key nor a certificate"
	if strings.Contains(trustErr.Error(), "not marked as trusted") {
		why = "its certificates are not marked as trusted, so Java does not see them: import them with keytool -importcert"
	}
	return nil, finding.List{finding.New(finding.StoreEmpty, file, 0, "%s", why)}
}

func chainStore(key any, chain []*x509.Certificate, file string) (*Store, finding.List) {
	k, ok := key.(privatekey.Key)
	if !ok {
		return nil, malformed(file, "it holds a key that cannot sign")
	}
	certs, found := cert.FromChain(chain, file)
	return &Store{Entries: []Entry{{Key: k, Chain: leafFirst(k, certs)}}}, found
}
