package verifycert

import (
	"bytes"
	"crypto/x509"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// Thousands of CRLs and thousands of keys that may have signed them are not all
// tried. The check ends in time and reports that.
func TestCRLLimit(t *testing.T) {
	const n = 3000
	m, task := carryOut(t)
	crl := testpki.CRL(t, testpki.Root(t, "Test Intermediate CA"), nil)
	var keys []byte
	for range n {
		keys = append(keys, testpki.PEM(testpki.New(t, "Test Intermediate CA", m.root, testpki.CA, func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign }))...)
	}
	task.CRLs = []string{m.write(t, "many.crl", append(bytes.Repeat(crl, n), testpki.CRL(t, m.inter, nil, m.leaf)...))}
	task.Intermediates = []string{m.write(t, "keys.pem", keys)}
	keys = nil
	start := time.Now()
	most := peak(func() {
		task.Output = "text"
		if r := runText(t, task); r.err == nil {
			t.Error("what was not looked at is called good")
		}
	})
	took := time.Since(start)
	t.Logf("%d CRLs and keys: %v, %d MB", n, took, most>>20)
	if took > bound || most > 100<<20 {
		t.Errorf("took %v and %d MB", took, most>>20)
	}
	expect(t, task, "crl-limit")
}
