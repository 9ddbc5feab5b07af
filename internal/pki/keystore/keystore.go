// Package keystore reads PKCS#12 and JKS files. It recognizes them by their
// content, because the .jks files of current Java are PKCS#12.
package keystore

import (
	"bytes"
	"slices"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/privatekey"
)

// A Store is the content of a keystore.
type Store struct {
	Entries []Entry
	Trusted []*cert.Cert // entries without a key
}

// An Entry is a private key with its certificates, the leaf first.
type Entry struct {
	Alias string
	Key   privatekey.Key
	Chain []*cert.Cert
}

// Read reads a keystore. A nil password means that there is none: PKCS#12 is then
// tried with the empty password, and the integrity of a JKS is not checked, as in
// Java.
func Read(data []byte, file string, password []byte) (store *Store, found finding.List) {
	defer func() {
		// The decoders are not ours, and their input may be hostile.
		if p := recover(); p != nil {
			store, found = nil, malformed(file, "it is damaged")
		}
	}()
	switch {
	case len(data) == 0:
		return nil, finding.List{finding.New(finding.FileEmpty, file, 0, "it is empty")}
	case bytes.HasPrefix(data, []byte{0xfe, 0xed, 0xfe, 0xed}):
		return readJKS(data, file, password)
	case bytes.HasPrefix(data, []byte{0xce, 0xce, 0xce, 0xce}):
		return nil, malformed(file, "it is a JCEKS keystore; convert it to PKCS#12 with keytool -importkeystore")
	case bytes.HasPrefix(data, []byte("-----BEGIN")):
		return nil, malformed(file, "it is PEM; give it with --cert and --key, or --ca")
	case data[0] == 0x30:
		return readPKCS12(data, file, password)
	}
	return nil, malformed(file, "it is neither PKCS#12 nor JKS")
}

func malformed(file, format string, args ...any) finding.List {
	return finding.List{finding.New(finding.StoreMalformed, file, 0, format, args...)}
}

func wrongPassword(file string, password []byte) finding.List {
	why := "the password does not open it"
	if password == nil {
		why = "it needs a password, and there is none"
	}
	return finding.List{finding.New(finding.StorePassword, file, 0, "%s", why)}
}

// leafFirst moves the certificate that belongs to key to the front.
func leafFirst(key privatekey.Key, certs []*cert.Cert) []*cert.Cert {
	i := slices.IndexFunc(certs, func(c *cert.Cert) bool { return privatekey.Matches(key, c.PublicKey) })
	if i <= 0 {
		return certs
	}
	return slices.Concat(certs[i:i+1], certs[:i], certs[i+1:])
}
