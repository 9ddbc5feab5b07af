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

// connections are the connections of one attempt. They are all closed when it
// ends, whatever the state of the exchange. With its own connections, net/http
// would leave dialing and closing to goroutines that outlive the request.
type connections struct {
	client *client
	target target
	ctx    context.Context // of the attempt; net/http dials with a context without the deadline

	dialing sync.WaitGroup
	mu      sync.Mutex
	closed  bool
	open    []net.Conn
	failure error  // error of the newest dial, nil if it succeeded
	where   string // remote end of the newest connection
	asked   bool   // the server asked for a client certificate
	alert   error  // the alert with which the server ended TLS
}

// transport returns a transport over these connections for one attempt.
func (cs *connections) transport() *http.Transport {
	t := &http.Transport{
		Protocols:              cs.client.task.protocols(),
		DisableKeepAlives:      true,
		DisableCompression:     true, // the limit of the body applies to the uncompressed text
		MaxResponseHeaderBytes: 1 << 20,
		TLSClientConfig:        cs.tlsConfig(),
		DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
			return cs.dial(addr, cs.connect)
		},
	}
	if cs.client.task.ProxyFromEnv {
		t.Proxy = http.ProxyFromEnvironment // net/http does TLS to and through a proxy
		t.OnProxyConnectResponse = refusedByProxy
		return t
	}
	t.DialTLSContext = func(_ context.Context, _, addr string) (net.Conn, error) {
		return cs.dial(addr, cs.connectTLS)
	}
	return t
}

// dial opens a connection with connect and keeps track of it.
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

// tlsConfig returns the client's configuration, extended to note whether the
// server asks for a client certificate. It sends the user's certificate even if
// the server names other CAs: without it, the reason for the refusal would be
// hidden.
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

// readAlert reads the alert with which the server ended TLS, if there is one. In
// TLS 1.3 the server refuses a client after the handshake, and net/http then
// reports whatever failed first.
func (cs *connections) readAlert() {
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

// close closes every connection. The caller must have cancelled the attempt's
// context.
func (cs *connections) close() {
	cs.mu.Lock()
	cs.closed = true
	cs.mu.Unlock()
	cs.dialing.Wait()
	for _, conn := range cs.open {
		conn.Close()
	}
}
