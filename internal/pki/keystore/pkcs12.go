package keystore

import (
	"crypto/x509"
	"errors"
	"strings"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

func readPKCS12(data []byte, file string, password []byte) (*Store, finding.List) {
	if r := reasonable(data, 0); r != nil {
		return nil, finding.List{finding.New(r.code, file, 0, "%s", r.text)}
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
		s := &Store{Kind: "PKCS#12"}
		found := s.addTrusted(trusted, file)
		return s, found
	}
	why := "it has neither a key nor a certificate"
	if strings.Contains(trustErr.Error(), "not marked as trusted") {
		why = "its certificates are not marked as trusted, so Java does not see them: import them with keytool -importcert"
	}
	return nil, finding.List{finding.New(finding.StoreEmpty, file, 0, "%s", why)}
}

func chainStore(key any, certs []*x509.Certificate, file string) (*Store, finding.List) {
	k, err := signer(key)
	if err != nil {
		return nil, malformed(file, "%v", err)
	}
	s := &Store{Kind: "PKCS#12"}
	var found finding.List
	e := Entry{Key: k}
	for i, x := range certs {
		c, l := cert.Parse(x.Raw, file, i+1)
		found = append(found, l...)
		if c != nil {
			e.Chain = append(e.Chain, c)
		}
	}
	e.Chain = leafFirst(k, e.Chain)
	s.Entries = []Entry{e}
	return s, found
}

func (s *Store) addTrusted(certs []*x509.Certificate, file string) (found finding.List) {
	for i, x := range certs {
		c, l := cert.Parse(x.Raw, file, i+1)
		found = append(found, l...)
		if c != nil {
			s.Trusted = append(s.Trusted, c)
		}
	}
	if len(certs) == 0 {
		found.Add(finding.StoreEmpty, file, 0, "it has no certificate")
	}
	return found
}
