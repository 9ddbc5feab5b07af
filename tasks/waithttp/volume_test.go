package waithttp

import (
	"crypto/tls"
	"io"
	"os"
	"testing"

	"github.com/initbox/initbox/internal/testkit/testvolume"
	"github.com/initbox/initbox/tasks"
)

// Kubelet publishes one certificate after another, each with its key and a token.
// The client reads all three from the same version.
func TestFilesAreOfOneVersion(t *testing.T) {
	var versions [2]map[string]string
	for i, token := range []string{"token-one", "token-another"} {
		cert, key := files(t, newCA(t, token).leaf(t, nil))
		versions[i] = map[string]string{"tls.crt": content(t, cert), "tls.key": content(t, key), "token": token}
	}
	v, swaps := testvolume.Churn(t, func(n int) map[string]string { return versions[n%2] })
	task := configured(t, func(t *Task) {
		t.ClientCert, t.ClientKey, t.BearerTokenFile = v.Dir+"/tls.crt", v.Dir+"/tls.key", v.Dir+"/token"
	}, "https://api/")
	env := tasks.NewEnv(newLog(io.Discard), io.Discard, false)
	for reads := 0; swaps.Load() < 200 || reads < 50; reads++ {
		probers, err := task.probers(t.Context(), env, task.AttemptTimeout)
		if err != nil {
			t.Fatal(err)
		}
		client := probers[0].client
		want := versions[0]
		if client.token == versions[1]["token"] {
			want = versions[1]
		}
		pair, err := tls.X509KeyPair([]byte(want["tls.crt"]), []byte(want["tls.key"]))
		if err != nil || !pair.Leaf.Equal(client.tls.Certificates[0].Leaf) {
			t.Fatalf("a mix of versions: %v", err)
		}
	}
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
