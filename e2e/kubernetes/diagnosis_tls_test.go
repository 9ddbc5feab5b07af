package kubernetes

import (
	"encoding/base64"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testpki"
)

// diagnosisSecrets returns the Secrets with certificates that the failures and their
// servers use, by name. They are new in each run, but with fixed dates, so that the
// messages are the same in each run.
func diagnosisSecrets(t *testing.T) map[string]map[string][]byte {
	t.Helper()
	root := testpki.Root(t, "Example Root CA", until(2099))
	other := testpki.Root(t, "Another Root CA", until(2099))
	issuing := testpki.New(t, "Example Issuing CA", root, testpki.CA, until(2099))
	// A renewed CA has the same key and a new certificate; this is the old one.
	outdated := testpki.Root(t, "Example Root CA", until(2023), func(tpl *testpki.Template) { tpl.Key = root.Key })
	good := testpki.Leaf(t, root, testpki.Names("shop.test.svc", "shop"), until(2099))
	pem := func(certs ...*testpki.Cert) []byte { return testpki.PEM(certs...) }
	key := func(c *testpki.Cert) []byte { return testpki.KeyPEM(t, c) }
	secret := func(crt, key, ca []byte) map[string][]byte {
		return map[string][]byte{"tls.crt": crt, "tls.key": key, "ca.crt": ca}
	}

	server := testpki.Leaf(t, root, testpki.Names("postgres-tls"), until(2099))
	expired := testpki.Leaf(t, root, testpki.Names("shop"), until(2023))
	below := testpki.Leaf(t, issuing, testpki.Names("shop"), until(2099))
	keystore, err := os.ReadFile(filepath.Join("..", "..", "tasks", "verifycert", "testdata", "keytool.p12"))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]map[string][]byte{
		"postgres-tls":             secret(pem(server), key(server), pem(root)),
		"tls-good":                 secret(pem(good), key(good), pem(root)),
		"tls-key-mismatch":         secret(pem(good), key(expired), pem(root)),
		"tls-expired":              secret(pem(expired), key(expired), pem(root)),
		"tls-expired-ca":           secret(pem(good), key(good), pem(outdated)),
		"tls-wrong-ca":             secret(pem(good), key(good), pem(other)),
		"tls-missing-intermediate": secret(pem(below), key(below), pem(root)),
		"tls-empty":                secret(nil, nil, nil),
		"tls-not-pem":              secret([]byte("see the wiki\n"), key(good), pem(root)),
		"tls-double-base64":        secret([]byte(base64.StdEncoding.EncodeToString(pem(good))), key(good), pem(root)),
		"tls-swapped":              secret(key(good), pem(good), pem(root)),
		"keystore":                 {"keystore.p12": keystore, "password": []byte("not-the-password")},
	}
	noCA := maps.Clone(secrets["tls-good"])
	delete(noCA, "ca.crt")
	secrets["tls-no-ca"] = noCA
	return secrets
}

// until makes a certificate valid from 2020 to the end of that year.
func until(year int) testpki.Option {
	return func(tpl *testpki.Template) {
		tpl.NotBefore = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
		tpl.NotAfter = time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)
	}
}

// secretManifests returns the manifests of the Secrets.
func secretManifests(secrets map[string]map[string][]byte) string {
	text := ""
	for _, name := range slices.Sorted(maps.Keys(secrets)) {
		text += "---\napiVersion: v1\nkind: Secret\nmetadata: {name: " + name + "}\ndata:\n"
		for _, file := range slices.Sorted(maps.Keys(secrets[name])) {
			text += "  " + file + ": " + `"` + base64.StdEncoding.EncodeToString(secrets[name][file]) + "\"\n"
		}
	}
	return text
}
