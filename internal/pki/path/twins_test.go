package path_test

import (
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// CAs with one name, or with one key: old and new, cross-signed, in circles. All
// that counts is whether some path is good, wherever the others lead.
func TestTwins(t *testing.T) {
	certs := func(c ...*testpki.Cert) []*testpki.Cert { return c }
	same := func(c *testpki.Cert) testpki.Option { return func(t *testpki.Template) { t.Key = c.Key } }
	noIDs := func(c *testpki.Template) { c.NoKeyID = true }
	none := func(c *testpki.Template) { c.MaxPathLen, c.MaxPathLenZero = 0, true }
	old := testpki.Valid(-48*time.Hour, -24*time.Hour)

	root, oldTwin := testpki.Root(t, "R", noIDs), testpki.Root(t, "R", noIDs, old)
	third := testpki.Root(t, "R", noIDs)
	expired := testpki.Root(t, "R", noIDs, old, same(root))
	narrow := testpki.Root(t, "R", noIDs, none, same(root))
	leaf := testpki.Leaf(t, root, noIDs)
	inter := testpki.New(t, "I", root, testpki.CA, noIDs)
	below := testpki.Leaf(t, inter, noIDs)
	other, stranger := testpki.Root(t, "X"), testpki.Root(t, "Y")
	cross := testpki.New(t, "R", other, testpki.CA, same(root))
	back := testpki.New(t, "X", root, testpki.CA, same(other))

	rolled := testpki.Root(t, "R", none)
	next := testpki.New(t, "R", rolled, testpki.CA)
	last := testpki.New(t, "R", rolled, testpki.CA, none)
	under := testpki.New(t, "I", last, testpki.CA)
	bound := testpki.Root(t, "R", constraints(true, [][]byte{dns("ok.test")}, nil))
	itself := testpki.New(t, "R", bound, testpki.CA, testpki.Names("evil.test"))

	for name, c := range map[string]struct {
		chain chain
		good  bool
	}{
		"three roots of one name":            {chain{certs(third, oldTwin, root), nil, leaf}, true},
		"two roots, neither of which":        {chain{certs(third, oldTwin), nil, leaf}, false},
		"same key, expired first":            {chain{certs(expired, root), nil, leaf}, true},
		"same key, expired alone":            {chain{certs(expired), nil, leaf}, false},
		"same key, path length 0 first":      {chain{certs(narrow, root), certs(inter), below}, true},
		"same key, path length 0 alone":      {chain{certs(narrow), certs(inter), below}, false},
		"expired, cross-signed and trusted":  {chain{certs(expired, cross, other), certs(inter), below}, true},
		"expired, cross-signed and sent":     {chain{certs(expired, other), certs(inter, cross), below}, true},
		"cross-signed by nobody trusted":     {chain{certs(stranger), certs(inter, cross), below}, false},
		"signed by each other":               {chain{certs(other), certs(inter, cross, back), below}, true},
		"signed by each other, none trusted": {chain{certs(stranger), certs(inter, cross, back), below}, false},
		"new key below path length 0":        {chain{certs(rolled), certs(next), testpki.Leaf(t, next)}, true},
		"CA below the new key":               {chain{certs(rolled), certs(last, under), testpki.Leaf(t, under)}, false},
		"new key, its own name not held":     {chain{certs(bound), certs(itself), testpki.Leaf(t, itself, testpki.Names("a.ok.test"))}, true},
		"new key, the leaf is held":          {chain{certs(bound), certs(itself), testpki.Leaf(t, itself, testpki.Names("evil.test"))}, false},
		"leaf of the CA's name is held":      {chain{certs(bound), nil, testpki.New(t, "R", bound, testpki.Names("evil.test"))}, false},
	} {
		if found := ours(t, c.chain, false); found.Failed() == c.good {
			t.Errorf("%s: found %v, want it good: %v", name, found, c.good)
		}
	}
}
