package privatekey

import (
	"testing"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

func FuzzRead(f *testing.F) {
	testpki.Seeds(f, "testdata/seeds")
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, password := range [][]byte{nil, []byte("x")} {
			key, found := Read(data, "f", password)
			if key == nil && !found.Failed() {
				t.Error("neither a key nor a finding")
			}
			if key != nil && !Matches(key, key.Public()) {
				t.Error("a key does not match itself")
			}
		}
	})
}
