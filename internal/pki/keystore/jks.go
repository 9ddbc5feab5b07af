package keystore

import (
	"bytes"
	"encoding/binary"
	"strings"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/pki/privatekey"
)

func readJKS(data []byte, file string, password []byte) (*Store, finding.List) {
	if !(&walker{data: data[4:]}).whole() {
		return nil, malformed(file, "it is a JKS that is cut off or damaged")
	}
	ks := jks.New(jks.WithCaseExactAliases(), jks.WithOrderedAliases())
	err := ks.Load(bytes.NewReader(data), password)
	switch {
	case err == nil:
	case strings.Contains(err.Error(), "invalid digest") && password == nil:
		// The entries are readable; only their integrity is unknown.
	case strings.Contains(err.Error(), "invalid digest"):
		return nil, wrongPassword(file, password)
	default:
		return nil, malformed(file, "%s", cert.Clip(err.Error()))
	}
	s := new(Store)
	var found finding.List
	number := 0
	parse := func(c jks.Certificate) *cert.Cert {
		number++
		parsed, l := cert.Parse(c.Content, file, number)
		found = append(found, l...)
		return parsed
	}
	for _, alias := range ks.Aliases() {
		if ks.IsPrivateKeyEntry(alias) {
			e, l := keyEntry(ks, alias, file, password, parse)
			found = append(found, l...)
			s.Entries = append(s.Entries, e)
			continue
		}
		entry, err := ks.GetTrustedCertificateEntry(alias)
		if err != nil {
			continue
		}
		if c := parse(entry.Certificate); c != nil {
			s.Trusted = append(s.Trusted, c)
		}
	}
	if number == 0 {
		found.Add(finding.StoreEmpty, file, 0, "it has no certificate")
	}
	return s, found
}

func keyEntry(ks jks.KeyStore, alias, file string, password []byte, parse func(jks.Certificate) *cert.Cert) (Entry, finding.List) {
	e := Entry{Alias: alias}
	chain, _ := ks.GetPrivateKeyEntryCertificateChain(alias)
	for _, c := range chain {
		if parsed := parse(c); parsed != nil {
			e.Chain = append(e.Chain, parsed)
		}
	}
	plain, err := ks.GetPrivateKeyEntry(alias, password)
	if err != nil {
		return e, finding.List{finding.New(finding.StorePassword, file, 0, "the password does not open the key %q", cert.Clip(alias))}
	}
	key, code, err := privatekey.Parse(plain.PrivateKey)
	if err != nil {
		return e, finding.List{finding.New(code, file, 0, "the key %q: %v", cert.Clip(alias), err)}
	}
	e.Key = key
	return e, nil
}

// A walker checks the lengths in a JKS. The decoder trusts them, and would
// allocate 4 GiB for a file of twenty bytes.
type walker struct {
	data []byte
	bad  bool
}

func (w *walker) take(n uint32) []byte {
	if uint64(n) > uint64(len(w.data)) {
		w.bad, w.data = true, nil
		return make([]byte, min(n, 8))
	}
	b := w.data[:n]
	w.data = w.data[n:]
	return b
}

func (w *walker) number() uint32 { return binary.BigEndian.Uint32(w.take(4)) }

func (w *walker) text() { w.take(uint32(binary.BigEndian.Uint16(w.take(2)))) }

func (w *walker) certificate(version uint32) {
	if version == 2 {
		w.text()
	}
	w.take(w.number())
}

const (
	keyTag     = 1
	trustedTag = 2
	digestLen  = 20
	leastKey   = 64 // a shorter one has no room for salt and digest, which the decoder does not check
)

func (w *walker) whole() bool {
	version := w.number()
	for n := w.number(); n > 0 && !w.bad; n-- {
		tag := w.number()
		w.text()
		w.take(8)
		switch tag {
		case keyTag:
			size := w.number()
			w.take(size)
			chain := w.number()
			if size < leastKey || uint64(chain)*4 > uint64(len(w.data)) {
				return false
			}
			for ; chain > 0 && !w.bad; chain-- {
				w.certificate(version)
			}
		case trustedTag:
			w.certificate(version)
		default:
			return false
		}
	}
	return !w.bad && len(w.data) == digestLen
}
