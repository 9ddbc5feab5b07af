package testnet

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// A DNS is a name server on loopback whose names come and go.
type DNS struct {
	Addr    string
	Queries atomic.Int64

	mu     sync.Mutex
	hosts  map[string][]netip.Addr
	silent bool
	delay  time.Duration
}

// NewDNS starts a server that knows no name.
func NewDNS(t TB) *DNS {
	t.Helper()
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &DNS{Addr: conn.LocalAddr().String(), hosts: make(map[string][]netip.Addr)}
	t.Cleanup(func() { conn.Close() })
	go d.serve(conn)
	return d
}

// Set sets the addresses of name; without any, the name becomes unknown.
func (d *DNS) Set(name string, addrs ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := make([]netip.Addr, len(addrs))
	for i, a := range addrs {
		list[i] = netip.MustParseAddr(a)
	}
	d.hosts[strings.ToLower(name)+"."] = list
}

// Silence makes the server drop all queries, or answer again.
func (d *DNS) Silence(silent bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.silent = silent
}

// Delay delays each answer of the server.
func (d *DNS) Delay(delay time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.delay = delay
}

// Resolver returns a resolver that asks only this server.
func (d *DNS) Resolver() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "udp", d.Addr)
	}}
}

func (d *DNS) serve(conn net.PacketConn) {
	buf := make([]byte, 1500)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		d.Queries.Add(1)
		if reply := d.answer(buf[:n]); reply != nil {
			d.mu.Lock()
			delay := d.delay
			d.mu.Unlock()
			time.AfterFunc(delay, func() { _, _ = conn.WriteTo(reply, from) })
		}
	}
}

func (d *DNS) answer(query []byte) []byte {
	var m dnsmessage.Message
	if m.Unpack(query) != nil || len(m.Questions) == 0 {
		return nil
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.silent {
		return nil
	}
	q := m.Questions[0]
	m.Response, m.Additionals = true, nil
	addrs := d.hosts[strings.ToLower(q.Name.String())]
	if len(addrs) == 0 {
		m.RCode = dnsmessage.RCodeNameError
	}
	for _, a := range addrs {
		head := dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	reply, err := m.Pack()
	if err != nil {
		return nil
	}
	return reply
}
