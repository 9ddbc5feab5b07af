package waithttp

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/initbox/initbox/internal/network/dial"
)

// connections are those of one attempt. They are closed with it, all and at once,
// whatever the state of the exchange: net/http would leave dialing and closing
// to goroutines that outlive the request.
type connections struct {
	client *client
	target target
	ctx    context.Context // of the attempt; net/http gives its dials one without the deadline

	dialing sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	open    []net.Conn
	failure error  // of the newest dial, nil if it succeeded
	where   string // what the newest connection leads to
	asked   bool   // the server asked for a client certificate
	alert   error  // what the server said as it ended TLS
}

// transport returns a transport over these connections for one attempt.
func (cs *connections) transport() *http.Transport {
	t := &http.Transport{
		Protocols:              cs.client.task.protocols(),
		DisableKeepAlives:      true,
		DisableCompression:     true, // the bound of the body is one of what it unpacks to
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        cs.tlsConfig(),
		DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return cs.dial(addr, cs.connect)
		},
	}
	if cs.client.task.ProxyFromEnv {
		t.Proxy = http.ProxyFromEnvironment // TLS to and through a proxy is net/http's
		t.OnProxyConnectResponse = refusedByProxy
		return t
	}
	t.DialTLSContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		return cs.dial(addr, cs.connectTLS)
	}
	return t
}

// dial opens a connection with connect and keeps account of it.
func (cs *connections) dial(addr string, connect func(addr string) (net.Conn, error)) (net.Conn, error) {
	cs.mu.Lock()
	if cs.closed {
		cs.mu.Unlock()
		return nil, net.ErrClosed
	}
	cs.dialing.Add(1)
	cs.mu.Unlock()
	defer cs.dialing.Done()

	conn, err := connect(addr)
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.failure = err
	if err != nil {
		return nil, err
	}
	cs.open = append(cs.open, conn)
	return conn, nil
}

func (cs *connections) connect(addr string) (net.Conn, error) {
	a := cs.target.address
	if a.Network != "unix" || addr != net.JoinHostPort(socketHost, "80") {
		var err error
		if a, err = dial.ParseAddress(addr); err != nil {
			return nil, err // a redirect led there
		}
	}
	conn, err := cs.client.dialer.Dial(cs.ctx, a)
	if err != nil {
		return nil, err
	}
	cs.mu.Lock()
	defer cs.mu.Unlock()
	cs.where = dial.Where(conn)
	return conn, nil
}

func (cs *connections) connectTLS(addr string) (net.Conn, error) {
	plain, err := cs.connect(addr)
	if err != nil {
		return nil, err
	}
	config := cs.tlsConfig()
	if config.ServerName == "" {
		config.ServerName, _, _ = net.SplitHostPort(addr)
	}
	conn := tls.Client(plain, config)
	if err := conn.HandshakeContext(cs.ctx); err != nil {
		plain.Close()
		return nil, explainHandshake(cs.ctx, dial.Where(plain), cs.client.timeout, err)
	}
	return conn, nil
}

// tlsConfig is the client's, so that it notes whether a client certificate was
// asked for. The one that the user gave is sent even where the server names other
// CAs: not to send it would hide why it is refused.
func (cs *connections) tlsConfig() *tls.Config {
	config := cs.client.tls.Clone()
	config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		cs.asked = true
		if len(config.Certificates) > 0 {
			return &config.Certificates[0], nil
		}
		return new(tls.Certificate), nil
	}
	return config
}

// listen takes in what the server said as it ended TLS. In TLS 1.3 it refuses a
// client after the handshake, and net/http then reports whatever failed first.
func (cs *connections) listen() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if len(cs.open) == 0 {
		return
	}
	conn, ok := cs.open[len(cs.open)-1].(*tls.Conn)
	if !ok {
		return
	}
	_ = conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := conn.Read(make([]byte, 1)); alertOf(err) >= 0 {
		cs.alert = err
	}
}

// close closes every connection. The caller has ended the attempt's context.
func (cs *connections) close() {
	cs.mu.Lock()
	cs.closed = true
	cs.mu.Unlock()
	cs.dialing.Wait()
	for _, conn := range cs.open {
		conn.Close()
	}
}
