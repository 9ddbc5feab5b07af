package crl

import (
	"os"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/cert"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

func FuzzRead(f *testing.F) {
	testpki.Seeds(f, "testdata/seeds")
	data, err := os.ReadFile("testdata/ca.pem")
	if err != nil {
		f.Fatal(err)
	}
	certs, found := cert.ReadAll(f.Context(), data, "ca.pem")
	if len(certs) != 1 || found.Failed() {
		f.Fatal(found)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lists, found := Read(t.Context(), data, "f")
		if len(lists) == 0 && !found.Failed() {
			t.Error("neither a list nor a finding")
		}
		New(t.Context(), Query{Lists: lists, At: time.Now(), All: true}).Check([]*cert.Cert{certs[0], certs[0]}, true)
	})
}
