package verifycert

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testpki"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/tasks"
)

// serveTLS starts a server that calls hello in plain text and then presents m's
// chain.
func serveTLS(t *testing.T, m made, hello func(net.Conn) error, change func(*tls.Config)) string {
	t.Helper()
	config := &tls.Config{Certificates: []tls.Certificate{{PrivateKey: m.leaf.Key}}}
	for _, c := range m.chain {
		config.Certificates[0].Certificate = append(config.Certificates[0].Certificate, c.DER)
	}
	if change != nil {
		change(config)
	}
	l := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, l, func(c net.Conn) {
		defer c.Close()
		if hello != nil {
			if err := hello(c); err != nil {
				return
			}
		}
		s := tls.Server(c, config)
		_ = s.Handshake()
		_, _ = io.Copy(io.Discard, s)
	})
	return l.Addr().String()
}

// The first lines of the protocols, as servers send them.

func helloPostgres(c net.Conn) error {
	if _, err := io.ReadFull(c, make([]byte, 8)); err != nil {
		return err
	}
	_, err := c.Write([]byte("S"))
	return err
}

func helloMySQL(c net.Conn) error {
	payload := append([]byte{10}, "8.0.36\x00"...)
	payload = append(payload, make([]byte, 4+8+1)...)
	payload = append(payload, 0xff, 0xff, 33, 2, 0, 0xff, 0xdf, 21)
	payload = append(payload, make([]byte, 10+13)...)
	if _, err := c.Write(append([]byte{byte(len(payload)), 0, 0, 0}, payload...)); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 36))
	return err
}

func helloSMTP(c net.Conn) error {
	r := bufio.NewReaderSize(c, 16)
	for _, say := range []string{"220-mail\r\n220 ready\r\n", "250-mail\r\n250-PIPELINING\r\n250 STARTTLS\r\n"} {
		if _, err := io.WriteString(c, say); err != nil {
			return err
		}
		if _, err := r.ReadString('\n'); err != nil {
			return err
		}
	}
	_, err := io.WriteString(c, "220 go\r\n")
	return err
}

func remote(t *testing.T, m made, addr string) *Task {
	t.Helper()
	task := New()
	task.Remotes, task.CA = []string{addr}, []string{m.path("ca.crt")}
	task.ServerName = "app.test"
	return task
}

func TestRemote(t *testing.T) {
	for name, c := range map[string]struct {
		fault fault
		want  string
	}{
		"good":                 {func(*plan) {}, ""},
		"expired":              {expired, "expired"},
		"expires tomorrow":     {leafWith(validity(-day, day)), "expires-soon"},
		"missing intermediate": {alone, "chain-missing-intermediate"},
		"wrong name":           {leafWith(testpki.Names("db.test")), "name-dns"},
		"root sent along":      {arranged(func(m *made) { m.chain = append(m.chain, m.root) }), "chain-root-included"},
		"not parseable":        {leafWith(testpki.Edit(func(t *testpki.TBS) { t.Version = 4 })), "certificate-malformed"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			m, _ := carryOut(t, c.fault)
			task := remote(t, m, serveTLS(t, m, nil, nil))
			task.MinValidity = 2 * day
			expect(t, task, c.want)
		})
	}
}

// A server needs a server certificate, with or without --usage.
func TestRemoteUsage(t *testing.T) {
	m, _ := carryOut(t, leafWith(func(c *testpki.Template) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }))
	task := remote(t, m, serveTLS(t, m, nil, nil))
	expect(t, task, "usage")
	task.Usage = "client"
	expect(t, task, "")
}

// The client asks the server for a name, and the certificate must be for it: the
// server's address if there is no other name.
func TestRemoteNames(t *testing.T) {
	m, _ := carryOut(t, leafWith(addresses("127.0.0.1")))
	asked := make(chan string, 10)
	addr := serveTLS(t, m, nil, func(c *tls.Config) {
		c.GetConfigForClient = func(h *tls.ClientHelloInfo) (*tls.Config, error) { asked <- h.ServerName; return nil, nil }
	})
	task := remote(t, m, addr)
	expect(t, task, "")
	if name := <-asked; name != "app.test" {
		t.Errorf("asked for %q", name)
	}
	task.ServerName = ""
	expect(t, task, "")
	task.DNSNames = []string{"other.test"}
	expect(t, task, "name-dns")
	task.DNSNames, task.ServerName = nil, "other.test"
	expect(t, task, "name-dns")
}

func TestStartTLS(t *testing.T) {
	m, _ := carryOut(t)
	for protocol, hello := range map[string]func(net.Conn) error{"postgres": helloPostgres, "mysql": helloMySQL, "smtp": helloSMTP} {
		task := remote(t, m, serveTLS(t, m, hello, nil))
		task.StartTLS = protocol
		expect(t, task, "")
	}
}

// A server that wants a client certificate has already presented its own.
func TestRemoteWantsClientCertificate(t *testing.T) {
	m, _ := carryOut(t)
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		expect(t, remote(t, m, serveTLS(t, m, nil, func(c *tls.Config) {
			c.ClientAuth, c.MaxVersion = tls.RequireAnyClientCert, version
		})), "")
	}
}

// says is a server that sends one text and closes the connection.
func says(t *testing.T, text string) string {
	t.Helper()
	l := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, l, func(c net.Conn) {
		_, _ = io.WriteString(c, text)
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 1))
		c.Close()
	})
	return l.Addr().String()
}

// A failed connection may succeed later: it is no verdict on a certificate.
func TestRemoteFailures(t *testing.T) {
	m, _ := carryOut(t)
	for _, c := range []struct{ name, addr, protocol, want string }{
		{"closed", testnet.Closed(t), "", "connection refused"},
		{"reset", testnet.Reset(t), "", "connection"},
		{"silent", testnet.Open(t), "", "does not answer the TLS handshake within 1s"},
		{"plain text", says(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "", "does not speak TLS"},
		{"postgres without TLS", says(t, "N"), "postgres", "TLS switched off"},
		{"postgres that is none", says(t, "X"), "postgres", "does not speak postgres"},
		{"mysql without TLS", says(t, "\x20\x00\x00\x00\x0a8.0\x00"+strings.Repeat("\x00", 27)), "mysql", "TLS switched off"},
		{"mysql that is full", says(t, "\x05\x00\x00\x00\xff\x10\x04ab"), "mysql", "refuses the connection before TLS"},
		{"mysql that is none", says(t, "220 mail\r\n"), "mysql", "does not speak mysql"},
		{"smtp that is busy", says(t, "421 busy\r\n"), "smtp", `the SMTP server answers "421"`},
		{"smtp that is none", says(t, "hello\r\n"), "smtp", "does not speak smtp"},
		{"smtp silent", testnet.Open(t), "smtp", "does not answer as smtp"},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			task := remote(t, m, c.addr)
			task.StartTLS = c.protocol
			if strings.Contains(c.name, "silent") {
				task.AttemptTimeout = time.Second
			}
			r := run(t, task)
			if r.err == nil || tasks.Permanent(r.err) || !strings.Contains(r.err.Error(), c.want) || tasks.NextOf(r.err) == "" {
				t.Errorf("got %v (next %q), want %q", r.err, tasks.NextOf(r.err), c.want)
			}
		})
	}
}

// With --wait, a server may come late, and a bad certificate may be replaced.
func TestRemoteWait(t *testing.T) {
	m, _ := carryOut(t)
	var r result
	_ = testtime.Explained(func(timeout time.Duration) error {
		task := remote(t, m, testnet.Late(t, timeout/2))
		task.Wait, task.AttemptTimeout = true, timeout/4
		ctx, cancel := context.WithTimeout(t.Context(), timeout)
		defer cancel()
		r = runCtx(ctx, t, task)
		return r.err
	}, "does not answer the TLS handshake")
	if r.err == nil || !strings.Contains(r.log, "connection refused") || !strings.Contains(r.err.Error(), "does not answer the TLS handshake") {
		t.Errorf("got %v\n%s", r.err, r.log)
	}
}
