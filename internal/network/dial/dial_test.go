package dial

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testtime"
)

func dialIt(t *testing.T, d *Dialer, address string, timeout time.Duration) (net.Conn, error) {
	t.Helper()
	a, err := ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	return d.Dial(ctx, a)
}

// wantError checks the words of a failed dial, and that there is a next step.
func wantError(t *testing.T, err error, words string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("got %v, want an error with %q", err, words)
	}
	if fault.NextOf(err) == "" {
		t.Errorf("no next step for: %v", err)
	}
}

func TestDial(t *testing.T) {
	dns := testnet.NewDNS(t)
	d := &Dialer{Resolver: dns.Resolver()}
	addr := testnet.Open(t)
	_, port, _ := net.SplitHostPort(addr)
	dns.Set("db.test", "127.0.0.1")
	dns.Set("two.test", "127.0.0.2", "127.0.0.1") // nothing listens on the first
	for _, target := range []string{addr, "db.test:" + port, "two.test:" + port} {
		conn, err := dialIt(t, d, target, testtime.Patience)
		if err != nil {
			t.Errorf("%s: %v", target, err)
			continue
		}
		conn.Close()
	}
}

func TestDialExplains(t *testing.T) {
	closed := testnet.Closed(t)
	_, err := dialIt(t, new(Dialer), closed, testtime.Patience)
	wantError(t, err, "connection refused by "+closed+": nothing listens there")
	if !errors.Is(err, syscall.ECONNREFUSED) {
		t.Error("the system's error is lost")
	}

	hole := testnet.NewBlackhole(t)
	_, err = dialIt(t, new(Dialer), hole.Addr, 200*time.Millisecond)
	wantError(t, err, "no answer from "+hole.Addr+" in time")
	if next, host := fault.NextOf(err), strings.Split(hole.Addr, ":")[0]; !strings.Contains(next, "kubectl get service -A | grep "+host) {
		t.Errorf("next: %s", next)
	}

	_, err = dialIt(t, new(Dialer), "unix://"+filepath.Join(t.TempDir(), "x.sock"), testtime.Patience)
	wantError(t, err, "there is no socket")
}

// Most attempts at a Service without endpoints get no answer.
func TestDialRecallsRefusals(t *testing.T) {
	var d Dialer
	a, other := Address{Host: "a", Port: "1"}, Address{Host: "b", Port: "1"}
	timeout := explainConnect("10.0.0.1:1", context.DeadlineExceeded)
	if err := d.recall(a, timeout); !strings.Contains(err.Error(), "no answer from") {
		t.Errorf("before any refusal: %v", err)
	}
	_ = d.recall(a, explainConnect("10.0.0.1:1", syscall.ECONNREFUSED))
	err := d.recall(a, timeout)
	wantError(t, err, "connection refused by 10.0.0.1:1")
	if errors.Is(err, syscall.ECONNREFUSED) || !errors.Is(err, context.DeadlineExceeded) {
		t.Error("a missing answer is worded as a refusal, but it is none: --invert would take it for an end")
	}
	network := &net.OpError{Op: "dial", Net: "tcp", Err: os.ErrDeadlineExceeded}
	wantError(t, d.recall(a, explainConnect("10.0.0.1:1", network)), "connection refused by 10.0.0.1:1")
	if err := d.recall(other, timeout); !strings.Contains(err.Error(), "no answer from") {
		t.Errorf("another address: %v", err)
	}
	d.refusals[a] = refusal{err, time.Now().Add(-2 * refusalValid)}
	if err := d.recall(a, timeout); !strings.Contains(err.Error(), "no answer from") {
		t.Errorf("long after the refusal: %v", err)
	}
}

func TestDialNames(t *testing.T) {
	dns := testnet.NewDNS(t)
	d := &Dialer{Resolver: dns.Resolver()}
	_, err := dialIt(t, d, "nosuch.test:1", testtime.Patience)
	wantError(t, err, "the name nosuch.test does not resolve: no such host")

	// As in a cluster whose DNS has no server to ask about other domains.
	err = explainName(t.Context(), "search", &net.DNSError{Err: "server misbehaving", Name: "search", IsTemporary: true})
	wantError(t, err, "the name search does not resolve: server misbehaving")
	for _, part := range []string{"kubectl get service -A | grep search", "search.NAMESPACE", "headless", "k8s-app=kube-dns"} {
		if next := fault.NextOf(err); !strings.Contains(next, part) {
			t.Errorf("next lacks %q: %s", part, next)
		}
	}

	outside := explainName(t.Context(), "login.example.com", &net.DNSError{Err: "no such host", Name: "login.example.com", IsNotFound: true})
	inside := explainName(t.Context(), "db.prod.svc", &net.DNSError{Err: "no such host", Name: "db.prod.svc", IsNotFound: true})
	if a, b := fault.NextOf(outside), fault.NextOf(inside); !strings.Contains(a, "what is outside") || strings.Contains(b, "outside") {
		t.Errorf("next of a name outside: %s; next of a Service: %s", a, b)
	}

	dns.Silence(true)
	_, err = dialIt(t, d, "silent.test:1", 200*time.Millisecond)
	wantError(t, err, "the DNS server did not answer in time")
}

// Many attempts per second must not send as many queries to the cluster's DNS.
func TestLookupRemembers(t *testing.T) {
	dns := testnet.NewDNS(t)
	d := &Dialer{Resolver: dns.Resolver()}
	dns.Set("db.test", "127.0.0.1")
	for range 50 {
		if _, err := d.Lookup(t.Context(), "db.test"); err != nil {
			t.Fatal(err)
		}
	}
	if n := dns.Queries.Load(); n > 10 {
		t.Errorf("50 lookups made %d queries", n)
	}
	for range 50 {
		if _, err := d.Lookup(t.Context(), "nosuch.test"); err == nil {
			t.Fatal("a name that is not there resolves")
		}
	}
	if n := dns.Queries.Load(); n > 30 {
		t.Errorf("50 lookups of a missing name and 50 others made %d queries", n)
	}
	dns.Set("db.test", "127.0.0.9")
	deadline := time.Now().Add(testtime.Patience)
	for {
		addrs, err := d.Lookup(t.Context(), "db.test")
		if err == nil && addrs[0].String() == "127.0.0.9" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the new address is not seen: %v, %v", addrs, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// DNS that is slower than one attempt still gets through: the lookup continues
// while other attempts wait for it, and they do not ask again. A busy machine
// cannot keep a pace, so slower ones are tried too.
func TestSlowLookup(t *testing.T) {
	var found, queries int64
	for unit := 100 * time.Millisecond; unit < time.Second; unit *= 2 { // a resolver waits 5 s for DNS
		if found, queries = slowLookup(t, unit); found > 0 && queries <= 12 {
			return
		}
	}
	if found == 0 {
		t.Error("no attempt got an answer")
	}
	if queries > 12 {
		t.Errorf("%d queries", queries)
	}
}

// slowLookup makes attempts as wait-tcp does, each before the last one has
// ended, and returns how many of them got an answer and how many queries were
// sent.
func slowLookup(t *testing.T, unit time.Duration) (found, queries int64) {
	dns := testnet.NewDNS(t)
	dns.Set("db.test", "127.0.0.1")
	dns.Delay(5 * unit)
	d := &Dialer{Resolver: dns.Resolver()}
	var answers atomic.Int64
	var attempts sync.WaitGroup
	for n := 0; n < 40 && answers.Load() == 0; n++ {
		attempts.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 2*unit)
			defer cancel()
			if _, err := d.Lookup(ctx, "db.test"); err == nil {
				answers.Add(1)
			}
		})
		time.Sleep(unit / 2)
	}
	attempts.Wait()
	return answers.Load(), dns.Queries.Load()
}

// A lookup ends when nobody waits for it anymore.
func TestAbandonedLookup(t *testing.T) {
	dns := testnet.NewDNS(t)
	dns.Silence(true)
	d := &Dialer{Resolver: dns.Resolver()}
	ctx, cancel := context.WithTimeout(t.Context(), testtime.Patience)
	defer cancel()
	go func() {
		for dns.Queries.Load() == 0 && ctx.Err() == nil {
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	if _, err := d.Lookup(ctx, "db.test"); err == nil || dns.Queries.Load() == 0 {
		t.Fatalf("an answer from nobody, or no question: %v", err)
	}
	l := d.names["db.test"]
	select {
	case <-l.done:
	case <-time.After(lookupTimeout / 2):
		t.Error("the lookup goes on")
	}
	dns.Silence(false)
	dns.Set("db.test", "127.0.0.1")
	if _, err := d.Lookup(t.Context(), "db.test"); err != nil {
		t.Errorf("a new lookup: %v", err)
	}
}
