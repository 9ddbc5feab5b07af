package waithttp

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testnet"
)

// An issuer is a CA made for one test.
type issuer struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newCA(t *testing.T, name string) *issuer {
	t.Helper()
	ca := &issuer{key: newKey(t)}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: time.Now().Add(24 * time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	ca.cert, _ = sign(t, template, template, ca.key, ca.key)
	return ca
}

func sign(t *testing.T, template, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) (*x509.Certificate, tls.Certificate) {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return cert, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: cert}
}

// leaf returns a certificate for 127.0.0.1 after change has modified it. Without a
// CA it is self-signed.
func (ca *issuer) leaf(t *testing.T, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "api"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	if change != nil {
		change(template)
	}
	key := newKey(t)
	parent, parentKey := template, key
	if ca != nil {
		parent, parentKey = ca.cert, ca.key
	}
	_, cert := sign(t, template, parent, key, parentKey)
	return cert
}

func (ca *issuer) file(t *testing.T) string {
	t.Helper()
	return file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})))
}

// files writes a certificate and its key.
func files(t *testing.T, c tls.Certificate) (cert, key string) {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return file(t, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Certificate[0]}))),
		file(t, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
}

// newTLSServer answers with the protocol of the request, below /503 with 503.
func newTLSServer(t *testing.T, config *tls.Config) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/503") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		_, _ = io.WriteString(w, r.Proto)
	}))
	s.TLS = config
	s.EnableHTTP2 = true
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestCertificates(t *testing.T) {
	ca, other := newCA(t, "Test CA"), newCA(t, "Other CA")
	caFile, otherFile := ca.file(t), other.file(t)
	past, future := time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), time.Date(2090, 1, 2, 3, 4, 5, 0, time.UTC)
	for name, test := range map[string]struct {
		cert        tls.Certificate
		ca          string
		words, next string // no words if it is fine
	}{
		"good":           {ca.leaf(t, nil), caFile, "", ""},
		"no CA given":    {ca.leaf(t, nil), "", "is signed by CN=Test CA, not by a CA that the system trusts", "--ca"},
		"another CA":     {ca.leaf(t, nil), otherFile, "is signed by CN=Test CA, not by the CA in --ca " + otherFile, "renewed"},
		"self-signed":    {(*issuer)(nil).leaf(t, nil), "", "is signed by itself (CN=api), not by a CA that the system trusts", "--ca"},
		"expired":        {ca.leaf(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = past.AddDate(-1, 0, 0), past }), caFile, "expired on 2020-01-02 03:04:05 UTC", "renew"},
		"not yet valid":  {ca.leaf(t, func(c *x509.Certificate) { c.NotBefore, c.NotAfter = future, future.AddDate(1, 0, 0) }), caFile, "is not valid before 2090-01-02 03:04:05 UTC", "clocks"},
		"wrong name":     {ca.leaf(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"a.example", "b.example"} }), caFile, "is for a.example, b.example, not for 127.0.0.1", "--server-name"},
		"no name":        {ca.leaf(t, func(c *x509.Certificate) { c.IPAddresses = nil }), caFile, "is for no name (its subject is CN=api", "--server-name"},
		"not for server": {ca.leaf(t, func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), caFile, "is not valid: certificate specifies an incompatible key usage", "replace"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newTLSServer(t, &tls.Config{Certificates: []tls.Certificate{test.cert}})
			err := attempt(t, func(t *Task) { t.CA = test.ca }, s.URL)
			if test.words == "" {
				wantReady(t, err)
			} else {
				wantNotReady(t, err, test.words, test.next)
			}
			wantReady(t, attempt(t, func(t *Task) { t.Insecure = true }, s.URL))
		})
	}
}

func TestServerName(t *testing.T) {
	ca := newCA(t, "Test CA")
	named := ca.leaf(t, func(c *x509.Certificate) { c.IPAddresses, c.DNSNames = nil, []string{"a.example"} })
	s := newTLSServer(t, &tls.Config{Certificates: []tls.Certificate{named}})
	caFile := ca.file(t)
	wantReady(t, attempt(t, func(t *Task) { t.CA, t.ServerName = caFile, "a.example" }, s.URL))
	wantNotReady(t, attempt(t, func(t *Task) { t.CA, t.ServerName = caFile, "b.example" }, s.URL), "is for a.example, not for b.example", "")
}

func TestMutualTLS(t *testing.T) {
	ca := newCA(t, "Test CA")
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	goodCert, goodKey := files(t, ca.leaf(t, nil))
	badCert, badKey := files(t, newCA(t, "Other CA").leaf(t, nil))
	caFile := ca.file(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			s := newTLSServer(t, &tls.Config{
				Certificates: []tls.Certificate{ca.leaf(t, nil)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool, MaxVersion: version,
			})
			with := func(cert, key string) func(*Task) {
				return func(t *Task) { t.CA, t.ClientCert, t.ClientKey = caFile, cert, key }
			}
			wantReady(t, attempt(t, with(goodCert, goodKey), s.URL))
			wantNotReady(t, attempt(t, with("", ""), s.URL), "asks for a client certificate", "--client-cert")
			// The server's reset may overtake its reason, so wait for the reason.
			want := "refuses the client certificate " + badCert + ": "
			if log, err := runUntil(t, want, with(badCert, badKey), s.URL); err == nil || !strings.Contains(log, want) {
				t.Errorf("got %v, want %s in the log:\n%s", err, want, log)
			}
		})
	}
}

func TestHTTP2(t *testing.T) {
	s := newTLSServer(t, nil)
	speaks := func(proto string, configure func(*Task)) func(*Task) {
		return func(t *Task) {
			t.ExpectBody = []string{proto}
			configure(t)
		}
	}
	wantReady(t, attempt(t, speaks("HTTP/2.0", func(t *Task) { t.Insecure = true }), s.URL))
	wantReady(t, attempt(t, speaks("HTTP/2.0", func(t *Task) { t.Insecure, t.HTTP2PriorKnowledge = true, true }), s.URL))

	h2c := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	h2c.Config.Protocols = new(http.Protocols)
	h2c.Config.Protocols.SetUnencryptedHTTP2(true)
	h2c.Config.Protocols.SetHTTP1(true)
	h2c.Start()
	t.Cleanup(h2c.Close)
	prior := func(t *Task) { t.HTTP2PriorKnowledge = true }
	wantReady(t, attempt(t, speaks("HTTP/2.0", prior), h2c.URL))
	wantReady(t, attempt(t, speaks("HTTP/1.1", func(*Task) {}), h2c.URL))

	wantNotReady(t, attempt(t, prior, answering(t, 200, "")), "does not speak HTTP/2", "leave out --http2-prior-knowledge")
	old := newTLSServer(t, &tls.Config{NextProtos: []string{"http/1.1"}})
	wantNotReady(t, attempt(t, func(t *Task) { t.Insecure, t.HTTP2PriorKnowledge = true, true }, old.URL), "speaks no HTTP/2 over TLS", "leave out --http2-prior-knowledge")
}

func TestPlainHTTPToTLSPort(t *testing.T) {
	url := strings.Replace(newTLSServer(t, nil).URL, "https:", "http:", 1)
	wantNotReady(t, attempt(t, nil, url), "got 400 (Bad Request), want 2xx; body starts 'Client sent an HTTP request to an HTTPS server", "write https://")
}

// A TLS server is told that the connection ends (close_notify); it does not have
// to find out.
func TestCloseNotify(t *testing.T) {
	ended := make(chan error, 8)
	l := testnet.Listen(t, "127.0.0.1")
	config := &tls.Config{Certificates: []tls.Certificate{newCA(t, "Test CA").leaf(t, nil)}}
	testnet.Serve(t, l, func(plain net.Conn) {
		c := tls.Server(plain, config)
		_, _ = c.Read(make([]byte, 4096))
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		_, err := c.Read(make([]byte, 1))
		ended <- err
	})
	wantReady(t, attempt(t, func(t *Task) { t.Insecure = true }, "https://"+l.Addr().String()))
	for range 2 {
		select {
		case err := <-ended:
			if err != io.EOF {
				t.Errorf("the server saw %v, not the end", err)
			}
		case <-time.After(patience):
			t.Fatal("the connection stays open")
		}
	}
}
