package main

import (
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/initbox/initbox/internal/testkit/lateport"
)

// A database is a TCP port that opens late. Nothing is spoken on it: an open
// port is all that wait-tcp asks for.
type database struct {
	port   *lateport.Port
	timer  *time.Timer
	opened atomic.Pointer[opening]
}

type opening struct {
	at       time.Time
	listener net.Listener
}

func startDatabase(stage *stage, after time.Duration) (*database, error) {
	port, err := lateport.Reserve()
	if err != nil {
		return nil, err
	}
	d := &database{port: port}
	d.timer = time.AfterFunc(after, func() {
		at := time.Now()
		l, err := port.Listen()
		if err != nil {
			stage.say("database", "%v", err)
			return
		}
		d.opened.Store(&opening{at, l})
		stage.say("database", "listens")
	})
	return d, nil
}

func (d *database) addr() string { return d.port.Addr() }

// ready returns when the port opened, zero if it has not.
func (d *database) ready() time.Time {
	if o := d.opened.Load(); o != nil {
		return o.at
	}
	return time.Time{}
}

func (d *database) close() {
	if d.timer.Stop() {
		d.port.Close()
	}
	if o := d.opened.Load(); o != nil {
		o.listener.Close()
	}
}

// An api is an HTTP server that answers 503 while it is starting.
type api struct {
	listener net.Listener
	server   *http.Server
	readyAt  time.Time
	refused  atomic.Int64
}

func startAPI(stage *stage, after time.Duration) (*api, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &api{listener: l, readyAt: time.Now().Add(after)}
	a.server = &http.Server{Handler: a}
	go func() { _ = a.server.Serve(l) }() // it ends when it is closed
	time.AfterFunc(after, func() { stage.say("api", "is ready, answers 200 from now on") })
	return a, nil
}

func (a *api) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if time.Now().Before(a.readyAt) {
		a.refused.Add(1)
		http.Error(w, "starting", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

func (a *api) url() string      { return fmt.Sprintf("http://%s/healthz", a.listener.Addr()) }
func (a *api) ready() time.Time { return a.readyAt }
func (a *api) refusals() int64  { return a.refused.Load() }
func (a *api) close()           { a.server.Close() }
