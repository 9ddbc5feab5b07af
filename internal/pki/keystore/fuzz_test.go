package keystore

import (
	"testing"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

func read(t *testing.T, data []byte, passwords ...string) {
	for _, p := range append(passwords, "") {
		store, found := Read(data, "f", []byte(p))
		if store == nil && !found.Failed() {
			t.Error("neither a store nor a finding")
		}
	}
	Read(data, "f", nil)
}

func FuzzPKCS12(f *testing.F) {
	testpki.Seeds(f, "testdata/pkcs12")
	f.Fuzz(func(t *testing.T, data []byte) { read(t, data, "x") })
}

func FuzzJKS(f *testing.F) {
	testpki.Seeds(f, "testdata/jks")
	f.Fuzz(func(t *testing.T, data []byte) { read(t, data, "changeit") })
}
