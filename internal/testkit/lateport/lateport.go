// Package lateport makes servers that become ready late, for the demo, the
// benchmarks and tests. A Port is a TCP port on loopback that is reserved, so that
// nobody else gets it, but refuses connections until it is told to listen.
package lateport

import (
	"fmt"
	"net"
	"os"
	"syscall"
)

// A Port is bound but does not listen yet.
type Port struct {
	fd   int // -1 after it went to a listener or was closed
	addr string
}

// Reserve reserves a free port on 127.0.0.1. It binds the port without listening,
// which keeps it closed and ours. If we freed the port and took it again later,
// another program could get it, or a waiting client could connect to itself.
func Reserve() (*Port, error) {
	syscall.ForkLock.RLock() // no child may inherit the socket: it would keep the port
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, fmt.Errorf("reserve a port: %w", os.NewSyscallError("socket", err))
	}
	p := &Port{fd: fd}
	if err := p.bind(); err != nil {
		p.Close()
		return nil, fmt.Errorf("reserve a port: %w", err)
	}
	return p, nil
}

func (p *Port) bind() error {
	if err := syscall.Bind(p.fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return os.NewSyscallError("bind", err)
	}
	name, err := syscall.Getsockname(p.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	p.addr = fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	return nil
}

// Addr returns the port as HOST:PORT.
func (p *Port) Addr() string { return p.addr }

// Listen opens the port. From then on the listener owns it.
func (p *Port) Listen() (net.Listener, error) {
	if err := syscall.Listen(p.fd, syscall.SOMAXCONN); err != nil {
		return nil, fmt.Errorf("listen on %s: %w", p.addr, os.NewSyscallError("listen", err))
	}
	f := os.NewFile(uintptr(p.fd), p.addr)
	p.fd = -1
	defer f.Close() // FileListener works on a duplicate
	return net.FileListener(f)
}

// Close releases the port if it was never opened.
func (p *Port) Close() error {
	if p.fd < 0 {
		return nil
	}
	fd := p.fd
	p.fd = -1
	return os.NewSyscallError("close", syscall.Close(fd))
}
