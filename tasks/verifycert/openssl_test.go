//go:build integration

package verifycert

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/pki/finding"
	"github.com/initbox/initbox/internal/testkit/testpki"
)

// openssl runs Debian's openssl, which make install-tools installs.
func openssl(t *testing.T, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("openssl", args...)
	cmd.Stdin = bytes.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("openssl %s: %v\n%s (Debian's package openssl has it)", strings.Join(args, " "), err, &stderr)
	}
	return out
}

// encrypted encrypts the key.
func encrypted(args ...string) fault {
	return file("tls.key", func(t *testing.T, data []byte, _ made) []byte { return openssl(t, data, args...) })
}

var pkcs8 = []string{"pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:s3cret pass"}

// Keys that openssl encrypts, with each cipher and hash that it offers.
func TestEncryptedKeys(t *testing.T) {
	for _, args := range []string{"-v2 aes-128-cbc", "-v2 aes-192-cbc", "-v2 aes-256-cbc", "-v2 des3",
		"-v2 aes-256-cbc -v2prf hmacWithSHA1", "-v2 aes-256-cbc -v2prf hmacWithSHA512", "-v2 aes-256-cbc -iter 100000"} {
		t.Run(strings.ReplaceAll(args, " ", "_"), func(t *testing.T) {
			full := append([]string{"pkcs8", "-topk8", "-passout", "pass:s3cret pass"}, strings.Fields(args)...)
			_, task := carryOut(t, encrypted(full...), password("s3cret pass\r\n"))
			r := expect(t, task, "")
			if all := r.stdout + r.log + strings.Join(r.summary, ""); strings.Contains(all, "s3cret") {
				t.Errorf("the password is in the output:\n%s", all)
			}
		})
	}
	m, task := carryOut(t, encrypted("pkcs8", "-topk8", "-outform", "DER", "-v2", "aes-256-cbc", "-passout", "pass:"), password(""))
	expect(t, task, "")
	if data := m.read(t, "tls.key"); data[0] != 0x30 {
		t.Errorf("the key is not DER")
	}
}

// openSSLp12 makes the keystore with openssl.
func openSSLp12(args ...string) func(*testing.T, made, string) []byte {
	return func(t *testing.T, m made, password string) []byte {
		in := m.write(t, "all.pem", append(m.key, testpki.PEM(m.leaf, m.inter)...))
		return openssl(t, nil, append([]string{"pkcs12", "-export", "-in", in, "-passout", "pass:" + password}, args...)...)
	}
}

// The codes of keys that only openssl can write.
func TestReasonCodesOfEncryptedKeys(t *testing.T) {
	for _, c := range []one{
		{"encrypted", finding.KeyEncrypted, encrypted(pkcs8...)},
		{"wrong password", finding.KeyPassword, both(encrypted(pkcs8...), password("s3cret"))},
		{"DEK-Info", finding.KeyLegacyEncryption, both(password("x"), encrypted("ec", "-aes128", "-passout", "pass:x"))},
		{"scrypt", finding.KeyUnsupported, both(password("x"), encrypted("pkcs8", "-topk8", "-scrypt", "-passout", "pass:x"))},
		{"PBES1", finding.KeyUnsupported, both(password("x"), encrypted("pkcs8", "-topk8", "-v1", "PBE-SHA1-3DES", "-passout", "pass:x"))},
	} {
		c.verify(t)
	}
}

func TestKeystoresOfOpenSSL(t *testing.T) {
	for _, c := range []store{
		{name: "openssl", password: "s3cret", make: openSSLp12()},
		{name: "openssl empty password", make: openSSLp12()},
		{name: "openssl legacy", password: "s3cret", make: openSSLp12("-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES", "-macalg", "sha1")},
		{name: "nothing trusted", password: "x", make: func(t *testing.T, m made, p string) []byte {
			in := m.write(t, "root.pem", testpki.PEM(m.root))
			return openssl(t, nil, "pkcs12", "-export", "-nokeys", "-in", in, "-passout", "pass:"+p)
		}, trust: true, want: "keystore-no-certificate"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), c.verify)
	}
}
