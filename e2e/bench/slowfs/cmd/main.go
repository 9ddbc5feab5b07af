// Cmd shows a directory at another place, slowly, until it is interrupted.
//
//	go run ./bench/slowfs/cmd -delay 1ms BACKING MOUNTPOINT
package main

import (
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/initbox/initbox/e2e/bench/slowfs"
)

func main() {
	delay := flag.Duration("delay", time.Millisecond, "the time added to each operation")
	flag.Parse()
	if flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "usage: cmd [-delay 1ms] BACKING MOUNTPOINT")
		os.Exit(2)
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, os.Interrupt, syscall.SIGTERM)
	unmount, err := slowfs.Mount(flag.Arg(0), flag.Arg(1), *delay)
	if err == nil {
		<-ended
		err = unmount()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "slowfs:", err)
		os.Exit(1)
	}
}
