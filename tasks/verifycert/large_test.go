package verifycert

import (
	"encoding/pem"
	"fmt"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// Ten megabytes of intermediates, all with the name of the issuer or each with its
// own name, cost no more than a bundle does.
func TestTenMegabytesOfIntermediates(t *testing.T) {
	for name, options := range map[string]func(i int) (string, testpki.Option){
		"one name":    func(int) (string, testpki.Option) { return "Test Intermediate CA", testpki.CA },
		"other names": func(i int) (string, testpki.Option) { return fmt.Sprint("Test CA ", i), testpki.CA },
		"self-signed": func(int) (string, testpki.Option) {
			return "Test Intermediate CA", func(c *testpki.Template) { c.NoKeyID = true }
		},
	} {
		t.Run(name, func(t *testing.T) {
			m, task := carryOut(t)
			var data []byte
			for i := 0; len(data) < 10<<20; i++ {
				cn, option := options(i)
				var ca *testpki.Cert
				if name == "self-signed" {
					ca = testpki.Root(t, cn, option)
				} else {
					ca = testpki.New(t, cn, m.root, option)
				}
				for k := range 100 { // different certificates, with wrong signatures
					block, _ := pem.Decode(testpki.PEM(ca))
					block.Bytes[len(block.Bytes)-10] ^= byte(k)
					data = append(data, pem.EncodeToMemory(block)...)
				}
			}
			task.Intermediates = []string{m.write(t, "more.pem", data)}
			data = nil
			start := time.Now()
			var r result
			most := peak(func() { r = runText(t, task) })
			took := time.Since(start)
			t.Logf("10 MB of intermediates: %v, %d MB; %v", took, most>>20, r.err)
			if took > bound || most > 100<<20 {
				t.Errorf("took %v and %d MB", took, most>>20)
			}
		})
	}
}
