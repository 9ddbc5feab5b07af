package lateport_test

import (
	"errors"
	"net"
	"syscall"
	"testing"

	"github.com/initbox/initbox/internal/testkit/lateport"
)

func TestClosedUntilListen(t *testing.T) {
	port, err := lateport.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Close()
	if _, err := net.Dial("tcp", port.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Fatalf("before Listen: dial %s: %v, want connection refused", port.Addr(), err)
	}
	if l, err := net.Listen("tcp", port.Addr()); err == nil {
		l.Close()
		t.Fatalf("somebody else could listen on %s, which is reserved", port.Addr())
	}
	l, err := port.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp", port.Addr())
	if err != nil {
		t.Fatalf("after Listen: %v", err)
	}
	conn.Close()
}

func TestCloseGivesThePortBack(t *testing.T) {
	port, err := lateport.Reserve()
	if err != nil {
		t.Fatal(err)
	}
	if err := port.Close(); err != nil {
		t.Fatal(err)
	}
	if err := port.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	l, err := net.Listen("tcp", port.Addr())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
