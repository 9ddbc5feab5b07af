package verifycert

import (
	"crypto/x509"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// delta is a delta CRL that a CA publishes next to its complete ones.
func delta(t *testing.T, issuer *testpki.Cert, revoked ...*testpki.Cert) []byte {
	t.Helper()
	return testpki.CRL(t, issuer, func(l *x509.RevocationList) {
		l.ExtraExtensions = append(l.ExtraExtensions, pkixExtension("2.5.29.27", true, []byte{2, 1, 1}))
	}, revoked...)
}

// remarked checks that a run has a good verdict and one warning that contains the
// words.
func remarked(t *testing.T, task *Task, words ...string) {
	t.Helper()
	r := run(t, task)
	if r.err != nil || r.doc.Verdict != good || len(r.doc.Sets[0].Findings) != 1 {
		t.Fatalf("got %v, verdict %s, findings %v", r.err, r.doc.Verdict, r.doc.Sets[0].Findings)
	}
	f := r.doc.Sets[0].Findings[0]
	for _, w := range words {
		if text := f.String() + "; " + f.Next; !f.Warning || !strings.Contains(text, w) || !strings.Contains(r.log, string(f.Code)) {
			t.Errorf("got %q without %q, a warning: %v, log %s", text, w, f.Warning, r.log)
		}
	}
}

// A delta CRL next to the complete one is only a warning, and so is one of a CA
// that is not on the path.
func TestUnusedCRL(t *testing.T) {
	for name, beside := range map[string]func(made) []byte{
		"its delta":          func(m made) []byte { return delta(t, m.inter) },
		"one of another CA":  func(made) []byte { return delta(t, testpki.Root(t, "Elsewhere")) },
		"delta of the other": func(m made) []byte { return delta(t, testpki.Root(t, "Test Intermediate CA"), m.leaf) },
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m, task := carryOut(t)
			task.CRLs = []string{m.write(t, "a.crl", testpki.CRL(t, m.inter, nil)), m.write(t, "b.crl", beside(m))}
			remarked(t, task, "crl-unsupported: ", "b.crl block 1", "delta CRL", "leave it out")
			task.CRLs = task.CRLs[1:]
			if r := run(t, task); r.err == nil {
				t.Errorf("alone it is good: %v", r.doc.Sets[0].Findings)
			}
		})
	}
}

// One of two certificates of an intermediate that two roots have signed is
// revoked: the path through the other is good, whatever the order in the file.
func TestRevokedTwin(t *testing.T) {
	m, task := carryOut(t)
	rootB := testpki.Root(t, "Test Root B")
	twin := testpki.New(t, "Test Intermediate CA", rootB, testpki.CA, func(c *testpki.Template) { c.Key = m.inter.Key })
	m.write(t, "ca.crt", testpki.PEM(m.root, rootB))
	crls := func(revoked ...*testpki.Cert) {
		all := testpki.CRL(t, m.inter, nil)
		for _, root := range []*testpki.Cert{m.root, rootB} {
			var its []*testpki.Cert
			for _, c := range revoked {
				if c.Issuer == root {
					its = append(its, c)
				}
			}
			all = append(all, testpki.CRL(t, root, nil, its...)...)
		}
		task.CRLs = []string{m.write(t, "all.crl", all)}
	}
	for name, sent := range map[string][]*testpki.Cert{
		"revoked first": {m.leaf, m.inter, twin}, "revoked last": {m.leaf, twin, m.inter}, "revoked not sent": {m.leaf, twin},
	} {
		m.write(t, "tls.crt", testpki.PEM(sent...))
		for _, revoked := range [][]*testpki.Cert{{m.inter}, {m.inter, twin}} {
			crls(revoked...)
			if r := run(t, task); (r.err == nil) != (len(revoked) == 1) || r.doc.Sets[0].Findings.Failed() != (len(revoked) == 2) {
				t.Errorf("%s, %d revoked: %v", name, len(revoked), r.err)
			}
		}
	}
	crls(m.inter)
	m.write(t, "tls.crt", testpki.PEM(m.leaf, m.inter, twin))
	remarked(t, task, "revoked: ", "tls.crt block 2", "there is another path")
}
