package keystore

import (
	"bytes"
	"crypto/x509/pkix"
	"encoding/asn1"
	"math/big"
	"strings"
	"testing"
	"time"

	jks "github.com/pavlo-v-chernykh/keystore-go/v4"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// A key in a JKS has the same limit as one in a file, and it is checked before any
// calculation with the key.
func TestHugeKey(t *testing.T) {
	n := new(big.Int).Lsh(big.NewInt(1), cert.MaxRSA+100)
	inner, err := asn1.Marshal(struct {
		Version                        int
		N, E, D, P, Q, DP, DQ, Inverse *big.Int
	}{0, n, big.NewInt(65537), n, n, n, n, n, n})
	if err != nil {
		t.Fatal(err)
	}
	key, err := asn1.Marshal(struct {
		Version   int
		Algorithm pkix.AlgorithmIdentifier
		Key       []byte
	}{0, pkix.AlgorithmIdentifier{Algorithm: testpki.OID("1.2.840.113549.1.1.1"), Parameters: asn1.NullRawValue}, inner})
	if err != nil {
		t.Fatal(err)
	}
	leaf := testpki.Leaf(t, testpki.Root(t, "Root"))
	store, password := jks.New(), []byte("changeit")
	err = store.SetPrivateKeyEntry("app", jks.PrivateKeyEntry{CreationTime: time.Now(), PrivateKey: key,
		CertificateChain: []jks.Certificate{{Type: "X.509", Content: leaf.DER}}}, password)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := store.Store(&file, password); err != nil {
		t.Fatal(err)
	}
	s, found := Read(file.Bytes(), "app.jks", password)
	if len(found) != 1 || found[0].Code != finding.KeyUnsupported || !strings.Contains(found[0].Detail, "more than the 16384") {
		t.Errorf("found %v", found)
	}
	if s == nil || len(s.Entries) != 1 || s.Entries[0].Key != nil {
		t.Errorf("got %+v", s)
	}
}
