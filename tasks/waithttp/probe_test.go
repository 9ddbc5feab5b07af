package waithttp

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/initbox/initbox/internal/testkit/lateport"
	"github.com/initbox/initbox/internal/testkit/testlog"
	"github.com/initbox/initbox/internal/testkit/testnet"
	"github.com/initbox/initbox/internal/testkit/testtime"
	"github.com/initbox/initbox/internal/text"
	"github.com/initbox/initbox/tasks"
)

func TestUnavailableThenReady(t *testing.T) {
	var asked atomic.Int64
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if n := asked.Add(1); n <= 5 {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintf(w, `{"timestamp": "2026-01-02T03:04:05.%03dZ", "id": "a%d-ff"}`, n, n)
		}
	})
	log, err := run(t, patience, nil, url)
	wantReady(t, err)
	if n := strings.Count(log, "msg=waiting"); n != 1 {
		t.Errorf("the same failure was logged %d times:\n%s", n, log)
	}
}

func TestRefusedThenReady(t *testing.T) {
	port, err := lateport.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	var log testlog.Buffer
	log.When("connection refused by "+port.Addr(), func() {
		l, err := port.Listen()
		if err != nil {
			return // run reports the failure
		}
		s := &http.Server{Handler: http.NotFoundHandler()}
		t.Cleanup(func() { s.Close() })
		_ = s.Serve(l)
	})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	wantReady(t, runWith(ctx, t, &log, func(t *Task) { t.Status = []string{"404"} }, "http://"+port.Addr()))
}

func TestHangThenReady(t *testing.T) {
	var asked atomic.Int64
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= 4 {
			<-r.Context().Done()
		}
	})
	log, err := run(t, patience, func(t *Task) { t.AttemptTimeout = 200 * time.Millisecond }, url)
	wantReady(t, err)
	if asked.Load() < 5 {
		t.Errorf("ready after %d requests\n%s", asked.Load(), log)
	}
}

func TestAny(t *testing.T) {
	_, err := run(t, patience, func(t *Task) { t.Any = true }, answering(t, 503, ""), answering(t, 200, ""))
	wantReady(t, err)
	const words = "got 503 (Service Unavailable), want 2xx"
	_, err = explained(t, words, nil, answering(t, 503, ""), answering(t, 200, ""))
	wantNotReady(t, err, words, "look at its log")
}

// A deadline before the end of the attempt must not hide what was seen.
func TestShortDeadlineExplains(t *testing.T) {
	const words = "accepted the connection but does not answer"
	_, err := explained(t, words, func(t *Task) { t.AttemptTimeout = time.Hour }, "http://"+testnet.Open(t))
	wantNotReady(t, err, words, "hangs")
}

func TestAttempts(t *testing.T) {
	for name, test := range map[string]struct{ url, words, next string }{
		"closes":      {"http://" + raw(t, ""), "closed it without an answer", "server's log"},
		"resets":      {"http://" + resetting(t), "closed it without an answer", "endpointslices"},
		"resets, TLS": {"https://" + resetting(t), "during the TLS handshake", "speaks TLS"},
		"closes in the header": {"http://" + raw(t, "HTTP/1.1 200 OK\r\nA: b\r\n"),
			"closed the connection in the middle of its answer", ""},
		"closes in the body": {"http://" + raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"),
			"got 200 (OK), but the connection was closed in the middle of the body", ""},
		"bad chunk": {"http://" + raw(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
			"but the body cannot be read: invalid byte in chunk length", ""},
		"no HTTP":         {"http://" + raw(t, "220 mail ESMTP\r\n"), "does not speak HTTP", "port"},
		"no HTTP but TLS": {"http://" + raw(t, "\x15\x03\x01\x00\x02\x02\x0a"), "speaks TLS, not plain HTTP", "https://"},
		"HTTP/2 only":     {"http://" + raw(t, "\x00\x00\x06\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64"), "speaks HTTP/2 only", "--http2-prior-knowledge"},
		"no TLS":          {"https://" + raw(t, "220 mail ESMTP\r\n"), "does not speak TLS", "port"},
		"HTTP, no TLS":    {strings.Replace(answering(t, 200, ""), "http:", "https:", 1), "speaks plain HTTP, not TLS", "http://"},
		"refused":         {"http://" + testnet.Closed(t), "connection refused by", "endpointslices"},
		"no socket":       {"unix://" + filepath.Join(t.TempDir(), "s") + ":/x", "there is no socket", "mount"},
		"empty body":      {answering(t, 500, " \n"), "got 500 (Internal Server Error), want 2xx; the body is empty", ""},
		"binary body":     {answering(t, 500, "\x00\x01\xffab\n\tc\u202ed\x1b[31m"), "body starts '...ab c.d.[31m'", ""},
		"long body":       {answering(t, 500, strings.Repeat("x", 5000)), "body starts '" + strings.Repeat("x", text.ClipLength) + "...'", ""},
		"no content":      {answering(t, 301, ""), "got 301 (Moved Permanently), want 2xx", "--follow-redirects"},
	} {
		t.Run(name, func(t *testing.T) { wantNotReady(t, attempt(t, nil, test.url), test.words, test.next) })
	}
}

func TestAttemptsThatHang(t *testing.T) {
	hanging := testnet.Open(t)
	for name, test := range map[string]struct{ url, words, next string }{
		"at once":   {"http://" + hanging, hanging + " accepted the connection but does not answer within %s", "hangs"},
		"in TLS":    {"https://" + hanging, "does not answer the TLS handshake within %s", "speaks TLS"},
		"blackhole": {"http://" + testnet.NewBlackhole(t).Addr, "in time: the packets are dropped", "NetworkPolicy"},
		"in the body": {serve(t, func(w http.ResponseWriter, r *http.Request) {
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}), "got 200 (OK), but the body did not end within %s", "streams"},
	} {
		t.Run(name, func(t *testing.T) {
			words, err := attemptBounded(t, test.url, test.words)
			wantNotReady(t, err, words, test.next)
		})
	}
}

// resetting returns the address of a server that resets the connection after a
// request.
func resetting(t *testing.T) string {
	t.Helper()
	l := testnet.Listen(t, "127.0.0.1")
	testnet.Serve(t, l, func(c net.Conn) {
		_, _ = c.Read(make([]byte, 4096))
		_ = c.(*net.TCPConn).SetLinger(0)
		c.Close()
	})
	return l.Addr().String()
}

func TestNameAppearsLate(t *testing.T) {
	dns := testnet.NewDNS(t)
	url := strings.Replace(answering(t, 200, ""), "127.0.0.1", "api.example", 1)
	configure := func(t *Task) { t.Resolver = dns.Resolver() }
	wantNotReady(t, attempt(t, configure, url), "the name api.example does not resolve", "kubectl get service")
	time.AfterFunc(100*time.Millisecond, func() { dns.Set("api.example", "127.0.0.1") })
	_, err := run(t, patience, configure, url)
	wantReady(t, err)
}

func TestUnixSocket(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "app.sock")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/moved":
			http.Redirect(w, r, "/ready?a=b", http.StatusFound)
		default:
			fmt.Fprintf(w, "%s %s", r.Host, r.URL)
		}
	}))
	s.Listener.Close()
	s.Listener = l
	s.Start()
	t.Cleanup(s.Close)
	for path, body := range map[string]string{"": "localhost /", ":/ready?a=b": "localhost /ready?a=b", ":/moved": "/ready?a=b"} {
		wantReady(t, attempt(t, func(t *Task) { t.ExpectBody = []string{body} }, "unix://"+sock+path))
	}
	wantReady(t, attempt(t, func(t *Task) { t.Host, t.ExpectBody = "app.example", []string{"app.example /"} }, "unix://"+sock))
}

func TestIPv6(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	s.Listener.Close()
	s.Listener = testnet.Listen(t, "::1")
	s.Start()
	t.Cleanup(s.Close)
	wantReady(t, attempt(t, nil, s.URL))
}

func TestRequest(t *testing.T) {
	type request struct{ line, host, header, agent, body string }
	var got atomic.Pointer[request]
	url := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got.Store(&request{r.Method + " " + r.URL.String(), r.Host, strings.Join(r.Header.Values("X-Many"), ","), r.UserAgent(), string(body)})
	})
	ask := func(configure func(*Task)) request {
		t.Helper()
		wantReady(t, attempt(t, configure, url+"/a?b=c#d"))
		return *got.Load()
	}
	if r := ask(nil); r.line != "GET /a?b=c" || r.agent != "initbox" || r.body != "" {
		t.Errorf("plain request: %+v", r)
	}
	r := ask(func(t *Task) {
		t.Method, t.Host, t.Body, t.Headers = "POST", "a.example", "hello", []string{"x-many: 1", "User-Agent: me", "X-Many:2 "}
	})
	if r != (request{"POST /a?b=c", "a.example", "1,2", "me", "hello"}) {
		t.Errorf("full request: %+v", r)
	}
	path := file(t, "from\na file")
	if r := ask(func(t *Task) { t.Method, t.BodyFile = "PUT", path }); r.body != "from\na file" {
		t.Errorf("body of a file: %+v", r)
	}
}

// The body is sent at every attempt, not only at the first.
func TestBodyAfresh(t *testing.T) {
	var asked, wrong atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if body, _ := io.ReadAll(r.Body); string(body) != "payload" {
			wrong.Add(1)
		}
		if asked.Add(1) < 4 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	_, err := run(t, patience, func(t *Task) { t.Method, t.Body = "POST", "payload" }, url)
	wantReady(t, err)
	if wrong.Load() > 0 || asked.Load() < 4 {
		t.Errorf("%d of %d requests had another body", wrong.Load(), asked.Load())
	}
}

func TestHugeBody(t *testing.T) {
	var sent atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		chunk := []byte(strings.Repeat("x", 64<<10))
		for r.Context().Err() == nil {
			n, err := w.Write(chunk)
			if sent.Add(int64(n)); err != nil {
				return
			}
		}
	})
	wantReady(t, attempt(t, func(t *Task) { t.ExpectBody = []string{"xxx"} }, url))
	wantNotReady(t, attempt(t, func(t *Task) { t.ExpectBody = []string{"y"} }, url), `body lacks "y"; body starts 'xxx`, "")
	wantNotReady(t, attempt(t, func(t *Task) { t.ExpectJSON = []string{"a=b"} }, url), "body is larger than 1 MiB", "")
	if n := sent.Load(); n > 6*64*maxBody {
		t.Errorf("the server could send %d bytes", n)
	}
}

func TestChunkedBody(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		for _, part := range []string{"rea", "dy n", "ow"} {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
	})
	wantReady(t, attempt(t, func(t *Task) { t.ExpectBody = []string{"ready now"} }, url))
}

// A connection ends with its attempt, not with the process.
func TestConnectionsAreClosed(t *testing.T) {
	for name, answer := range map[string]string{
		"ready":    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
		"unready":  "HTTP/1.1 503 No\r\nContent-Length: 2\r\n\r\nno",
		"unending": "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nno",
		"silent":   "",
		"no HTTP":  "hello\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			ended := make(chan error)
			l := testnet.Listen(t, "127.0.0.1")
			testnet.Serve(t, l, func(c net.Conn) {
				if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
					return // a busy machine was too slow; there will be another attempt
				}
				_, _ = io.WriteString(c, answer)
				_, err := c.Read(make([]byte, 1))
				select {
				case ended <- err:
				case <-t.Context().Done():
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = runWith(ctx, t, new(testlog.Buffer), func(t *Task) { t.AttemptTimeout, t.Successes = 100*time.Millisecond, 2 }, "http://"+l.Addr().String())
			}()
			for range 2 {
				select {
				case err := <-ended:
					if err == nil {
						t.Error("the client sent more than a request")
					}
				case <-time.After(patience):
					t.Error("the connection stays open")
				}
			}
			cancel()
			<-done
		})
	}
}

func TestNothingIsLeftBehind(t *testing.T) {
	hanging, https := testnet.Open(t), newTLSServer(t, nil)
	task := configured(t, func(t *Task) { t.AttemptTimeout, t.Insecure = 50*time.Millisecond, true },
		"http://"+hanging, "https://"+hanging, answering(t, 503, "no"), https.URL+"/503", "http://"+testnet.Closed(t))
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(300*time.Millisecond, cancel)
	var log testlog.Buffer
	env := tasks.NewEnv(newLog(&log), io.Discard, false)
	if err := task.Run(ctx, env); err == nil {
		t.Fatal("it was ready")
	}
	deadline := time.Now().Add(patience)
	// Servers keep goroutines for connections until they have seen the end of them.
	for runtime.NumGoroutine() > before {
		if time.Now().After(deadline) {
			buf := make([]byte, 1<<20)
			t.Fatalf("%d goroutines before, %d after:\n%s", before, runtime.NumGoroutine(), buf[:runtime.Stack(buf, true)])
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func TestCancelledReturnsAtOnce(t *testing.T) {
	task := configured(t, nil, "http://"+testnet.Open(t), "https://"+testnet.Open(t), "http://"+testnet.NewBlackhole(t).Addr)
	const bound = 100 * time.Millisecond
	took := testtime.Best(bound, func() time.Duration {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- task.Run(ctx, tasks.NewEnv(newLog(io.Discard), io.Discard, false)) }()
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		cancel()
		select {
		case err := <-ended:
			if err == nil {
				t.Error("it was ready")
			}
		case <-time.After(patience):
			t.Fatal("it does not end")
		}
		return time.Since(start)
	})
	if took > bound {
		t.Errorf("it took %s to end", took)
	}
}
