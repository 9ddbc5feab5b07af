package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// inNetwork calls do on a thread in a new network namespace, which has only
// loopback. Processes that do starts from its goroutine are in that namespace too.
func inNetwork(do func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, so no other goroutine gets it
		done <- func() error {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("make a network namespace (root?): %w", err)
			}
			if err := loopbackUp(); err != nil {
				return fmt.Errorf("set loopback up: %w", err)
			}
			return do()
		}()
	}()
	return <-done
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	request.SetUint16(unix.IFF_UP)
	return unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, request)
}

// attempts returns the number of connection attempts so far in the namespace of the
// calling thread: the kernel counts each first SYN.
func attempts() (int64, error) {
	text, err := os.ReadFile("/proc/thread-self/net/snmp")
	if err != nil {
		return 0, err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		values, ok := strings.CutPrefix(line, "Tcp: ")
		if !ok {
			continue
		}
		if names == nil {
			names = strings.Fields(values)
			continue
		}
		for i, v := range strings.Fields(values) {
			if i < len(names) && names[i] == "ActiveOpens" {
				return strconv.ParseInt(v, 10, 64)
			}
		}
	}
	return 0, errors.New("/proc/thread-self/net/snmp has no ActiveOpens")
}
