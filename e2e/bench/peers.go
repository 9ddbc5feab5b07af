package main

import (
	"net"
	"os/exec"
)

// netcat is Debian's package netcat-openbsd; make install-tools installs it.
const netcat = "nc.openbsd"

// A portWaiter is one way to wait for a TCP port.
type portWaiter struct {
	name     string
	program  string
	look     func(host, port string) []string // at an open port
	wait     func(host, port string) []string // with its defaults
	waitBest func(host, port string) []string // as often as initbox asks in its first half minute
}

// missing says why a peer cannot be measured.
func (p portWaiter) missing() string {
	if _, err := exec.LookPath(p.program); err != nil {
		return p.program + " is not on PATH"
	}
	return ""
}

// portWaiters are what wait-tcp is compared with.
func portWaiters() []portWaiter {
	shell := func(sh []string, line string) func(host, port string) []string {
		return func(host, port string) []string { return append(sh, "-c", line, "sh", host, port) }
	}
	posix, busybox := []string{"sh"}, []string{"busybox", "sh"}
	// The nc of busybox has no -z. It ends after the end of its input, once the server closes.
	bb := `nc -w 1 "$1" "$2" </dev/null >/dev/null 2>&1`
	return []portWaiter{
		{
			"sh, nc -z", netcat,
			shell(posix, netcat+` -z "$1" "$2"`),
			shell(posix, `until `+netcat+` -z "$1" "$2"; do sleep 1; done`),
			shell(posix, `until `+netcat+` -z "$1" "$2"; do sleep 0.04; done`),
		},
		{
			"busybox sh, nc", "busybox",
			shell(busybox, bb),
			shell(busybox, `until `+bb+`; do sleep 1; done`),
			shell(busybox, `until `+bb+`; do sleep 0.04; done`),
		},
		{
			"wait4x", "wait4x",
			func(host, port string) []string { return []string{"wait4x", "tcp", net.JoinHostPort(host, port)} },
			func(host, port string) []string {
				return []string{"wait4x", "tcp", net.JoinHostPort(host, port), "-t", "5m"}
			},
			func(host, port string) []string {
				return []string{"wait4x", "tcp", net.JoinHostPort(host, port), "-t", "5m", "-i", "40ms"}
			},
		},
		{
			"dockerize", "dockerize",
			func(host, port string) []string {
				return []string{"dockerize", "-wait", "tcp://" + net.JoinHostPort(host, port)}
			},
			func(host, port string) []string {
				return []string{"dockerize", "-timeout", "5m", "-wait", "tcp://" + net.JoinHostPort(host, port)}
			},
			func(host, port string) []string {
				return []string{"dockerize", "-timeout", "5m", "-wait-retry-interval", "40ms", "-wait", "tcp://" + net.JoinHostPort(host, port)}
			},
		},
	}
}

// waiter is wait-tcp itself.
func (b *bench) waiter() portWaiter {
	argv := func(host, port string) []string {
		return []string{b.initbox, "wait-tcp", "--timeout=5m", net.JoinHostPort(host, port)}
	}
	return portWaiter{"initbox wait-tcp", b.initbox, argv, argv, nil}
}
