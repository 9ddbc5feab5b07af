package verifycert

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// bundleFile makes a task that checks one file of CAs.
func bundleFile(t *testing.T, parts ...[]byte) *Task {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca-bundle.crt")
	if err := os.WriteFile(path, bytes.Join(parts, nil), 0o600); err != nil {
		t.Fatal(err)
	}
	task := New()
	task.Bundles = []string{path}
	return task
}

func TestBundles(t *testing.T) {
	a, b := testpki.Root(t, "A"), testpki.Root(t, "B")
	old := testpki.Root(t, "Old", validity(-9*day, -day))
	leaf := testpki.Leaf(t, a)
	for name, c := range map[string]struct {
		parts [][]byte
		want  string
	}{
		"good":             {[][]byte{testpki.PEM(a, b)}, ""},
		"leaf":             {[][]byte{testpki.PEM(a, leaf)}, "bundle-not-a-ca"},
		"twice":            {[][]byte{testpki.PEM(a, b, a)}, "bundle-duplicate"},
		"key inside":       {[][]byte{testpki.PEM(a), testpki.KeyPEM(t, a)}, "bundle-private-key"},
		"expired":          {[][]byte{testpki.PEM(a, old)}, "expired"},
		"CA may not sign":  {[][]byte{testpki.PEM(testpki.Root(t, "C", func(c *testpki.Template) { c.KeyUsage = x509.KeyUsageCRLSign }))}, "ca-key-usage"},
		"CA may nothing":   {[][]byte{testpki.PEM(testpki.Root(t, "C", testpki.Extension("2.5.29.15", true, []byte{3, 1, 0})))}, "ca-key-usage"},
		"cut off":          {[][]byte{testpki.PEM(a)[:300]}, "pem-malformed"},
		"one bad of three": {[][]byte{testpki.PEM(a), testpki.Block("CERTIFICATE", []byte{0x30, 1, 0}), testpki.PEM(b)}, "certificate-malformed"},
		"all at once":      {[][]byte{testpki.PEM(a, a, old, leaf), testpki.KeyPEM(t, a), testpki.Block("CERTIFICATE", []byte{1})}, "bundle-duplicate expired bundle-not-a-ca bundle-private-key certificate-malformed"},
		"version 1":        {[][]byte{testpki.PEM(testpki.Root(t, "V1", testpki.Edit(func(t *testpki.TBS) { t.Version, t.Extensions = 0, nil })))}, ""},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			r := expect(t, bundleFile(t, c.parts...), c.want)
			for _, f := range r.doc.Sets[0].Findings {
				if f.Block == 0 || f.File == "" {
					t.Errorf("%s does not say which block of which file", f)
				}
			}
		})
	}
}

// A directory is one bundle: a certificate may be in one of its files only.
func TestBundleDirectory(t *testing.T) {
	dir := t.TempDir()
	a, b := testpki.Root(t, "A"), testpki.Root(t, "B")
	for name, data := range map[string][]byte{"a.pem": testpki.PEM(a), "b.pem": testpki.PEM(b), ".hidden": []byte("x")} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("a.pem", filepath.Join(dir, "0a1b2c3d.0")); err != nil { // as openssl rehash makes it
		t.Fatal(err)
	}
	task := New()
	task.Bundles = []string{dir}
	if r := expect(t, task, ""); len(r.doc.Sets) != 1 || len(r.doc.Sets[0].Certificates) != 2 {
		t.Errorf("%d sets: %s", len(r.doc.Sets), r.stdout)
	}
	if err := os.WriteFile(filepath.Join(dir, "c.pem"), testpki.PEM(a), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, task, string(finding.BundleDuplicate))
}

// bound is the limit for the largest inputs, from the issue, with room for a busy
// machine and for the race detector, which makes everything ten times slower.
const bound = 30 * time.Second

// peak runs f and returns the most memory that the Go runtime used during the run.
func peak(f func()) uint64 {
	runtime.GC()
	var before, m runtime.MemStats
	runtime.ReadMemStats(&before)
	done := make(chan struct{})
	result := make(chan uint64)
	go func() {
		most := uint64(0)
		for {
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse+m.StackInuse)
			select {
			case <-done:
				result <- most
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	f()
	close(done)
	return <-result - min(before.HeapInuse, 1<<20)
}

func TestTenMegabyteBundle(t *testing.T) {
	roots := make([]*testpki.Cert, 50)
	for i := range roots {
		roots[i] = testpki.Root(t, "Root "+strings.Repeat("x", i))
	}
	var data []byte
	for len(data) < 10<<20 {
		data = append(data, testpki.PEM(roots...)...)
	}
	task := bundleFile(t, data)
	data = nil
	task.Output = "text"
	start := time.Now()
	most := peak(func() { runText(t, task) })
	t.Logf("10 MB: %v, %d MB", time.Since(start), most>>20)
	if took := time.Since(start); took > bound || most > 100<<20 {
		t.Errorf("took %v and %d MB", took, most>>20)
	}
}

// The same number of certificates must also work as CAs to trust.
func TestTenMegabytesOfCAs(t *testing.T) {
	m, task := carryOut(t)
	var data []byte
	for i := 0; len(data) < 10<<20; i++ {
		root := testpki.Root(t, "Root", testpki.Edit(func(t *testpki.TBS) {}))
		data = append(data, testpki.PEM(root)...)
		for range 100 { // different certificates, with wrong signatures
			block, _ := pem.Decode(testpki.PEM(root))
			block.Bytes[len(block.Bytes)-10] ^= byte(i + 1)
			data = append(data, pem.EncodeToMemory(block)...)
		}
	}
	m.write(t, "ca.crt", append(data, testpki.PEM(m.root)...))
	data = nil
	start := time.Now()
	most := peak(func() { runText(t, task) })
	t.Logf("10 MB of CAs: %v, %d MB", time.Since(start), most>>20)
	if took := time.Since(start); took > bound || most > 100<<20 {
		t.Errorf("took %v and %d MB", took, most>>20)
	}
}

// chainOf makes a chain of n certificates, leaf first, and its root.
func chainOf(t *testing.T, n int) (chain []*testpki.Cert, root *testpki.Cert) {
	root = testpki.Root(t, "Root")
	issuer := root
	for range n - 1 {
		issuer = testpki.New(t, "CA "+string(rune('a'+len(chain)%26))+strings.Repeat("x", len(chain)%7), issuer, testpki.CA)
		chain = append(chain, issuer)
	}
	leaf := testpki.Leaf(t, issuer)
	slices.Reverse(chain)
	return append([]*testpki.Cert{leaf}, chain...), root
}

func TestThousandCertificates(t *testing.T) {
	chain, root := chainOf(t, 1000)
	_, task := carryOut(t, arranged(func(m *made) { m.chain, m.cas, m.key = chain, []*testpki.Cert{root}, testpki.KeyPEM(t, chain[0]) }))
	start := time.Now()
	most := peak(func() {
		if r := runText(t, task); r.err != nil {
			t.Error(r.err)
		}
	})
	t.Logf("1,000 certificates: %v, %d MB", time.Since(start), most>>20)
	if took := time.Since(start); took > bound || most > 100<<20 {
		t.Errorf("took %v and %d MB", took, most>>20)
	}
}

// CAs that all sign each other have more paths than can be tried. The search ends
// and reports that.
func TestChainLimit(t *testing.T) {
	const n = 80
	cas := make([]*testpki.Cert, n)
	for i := range cas {
		cas[i] = testpki.Root(t, "CA", func(c *testpki.Template) { c.SubjectKeyId = []byte{byte(i)} })
	}
	chain := []*testpki.Cert{testpki.Leaf(t, cas[0])}
	for i := range n {
		for k := range n {
			if i != k && (i+k)%3 == 0 {
				chain = append(chain, testpki.New(t, "CA", cas[k], testpki.CA, func(c *testpki.Template) { c.Key = cas[i].Key }))
			}
		}
	}
	_, task := carryOut(t, arranged(func(m *made) {
		m.chain, m.key = chain, testpki.KeyPEM(t, chain[0])
	}))
	start := time.Now()
	r := run(t, task)
	t.Logf("%d cross-signed certificates: %v", len(chain), time.Since(start))
	if !slices.Contains(r.codes(), string(finding.ChainLimit)) || time.Since(start) > bound {
		t.Errorf("after %v: %v", time.Since(start), r.codes())
	}
}
