package path_test

import (
	"math/rand/v2"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// Random policies give the verdict of crypto/x509.
func TestPoliciesAtRandom(t *testing.T) {
	const chains = 150
	r := rand.New(rand.NewPCG(7, 9))
	all := []string{p1, p2, "1.3.6.1.4.1.99999.3", anyOf}
	some := func(ca bool) (o []testpki.Option) {
		var own []string
		for _, p := range all {
			if r.IntN(2) == 0 {
				own = append(own, p)
			}
		}
		if len(own) > 0 && r.IntN(8) > 0 {
			o = append(o, policiesOf(own...))
		}
		switch r.IntN(6) {
		case 0, 1:
			o = append(o, testpki.Extension("2.5.29.36", true, []byte{0x30, 3, 0x80, 1, byte(r.IntN(3))}))
		case 2:
			o = append(o, testpki.Extension("2.5.29.36", true, []byte{0x30, 6, 0x80, 1, byte(r.IntN(2)), 0x81, 1, byte(r.IntN(3))}))
		}
		if r.IntN(4) == 0 {
			o = append(o, testpki.Extension("2.5.29.54", true, []byte{2, 1, byte(r.IntN(2))}))
		}
		if ca && r.IntN(2) == 0 {
			o = append(o, mapping(all[r.IntN(3)], all[r.IntN(3)]))
		}
		return o
	}
	bad := 0
	for i := range chains {
		c := chain{roots: []*testpki.Cert{testpki.Root(t, "Root")}}
		last := c.roots[0]
		for _, name := range []string{"A", "B", "C"} {
			last = testpki.New(t, name, last, append([]testpki.Option{testpki.CA}, some(true)...)...)
			c.inters = append(c.inters, last)
		}
		c.leaf = testpki.Leaf(t, last, some(false)...)
		err := goAccepts(c)
		if err != nil {
			bad++
		}
		if found := ours(t, c, false); (err != nil) != found.Failed() {
			t.Errorf("chain %d: Go says %v, we found %v", i, err, found)
		}
	}
	if bad < chains/10 || bad > chains*9/10 {
		t.Errorf("%d of %d are bad, so little is compared", bad, chains)
	}
}
