package keystore

import (
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"strings"

	pkcs12 "software.sslmate.com/src/go-pkcs12"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
)

// maxIterations bounds how long a keystore can keep us busy.
const maxIterations = 2_000_000

func readPKCS12(data []byte, file string, password []byte) (*Store, finding.List) {
	if !reasonable(data, 0) {
		return nil, malformed(file, "it asks for more than %d iterations of its password, or is nested too deeply", maxIterations)
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

// reasonable reports whether no count of iterations that can be seen in der is
// larger than what we are willing to do. A count always follows a salt.
func reasonable(der []byte, depth int) bool {
	const deepest = 32
	if depth > deepest {
		return false
	}
	afterSalt := false
	for len(der) > 0 {
		var v asn1.RawValue
		rest, err := asn1.Unmarshal(der, &v)
		if err != nil {
			return true // the decoder says what is wrong
		}
		switch {
		case v.Class == asn1.ClassUniversal && v.Tag == asn1.TagInteger && afterSalt && tooMany(v.Bytes):
			return false
		case v.IsCompound && !reasonable(v.Bytes, depth+1):
			return false
		case v.Tag == asn1.TagOctetString && !v.IsCompound && len(v.Bytes) > 2 && v.Bytes[0] == 0x30 && !reasonable(v.Bytes, depth+1):
			return false
		}
		afterSalt = v.Class == asn1.ClassUniversal && v.Tag == asn1.TagOctetString
		// The MAC has its salt as an octet string beside its digest.
		der = rest
	}
	return true
}

func tooMany(number []byte) bool {
	n := 0
	for _, b := range number {
		if n = n<<8 | int(b); n > maxIterations {
			return true
		}
	}
	return false
}
