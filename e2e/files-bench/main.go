// Command files-bench measures the file tasks side by side with the tools that
// they replace, in turns, so that whatever else the machine does meets all of
// them.
//
//	files-bench -initbox ./initbox chown            200,000 files as they are, 20,000 with -delay
//	files-bench -initbox ./initbox copy             20,000 files, one of 2 GiB, and 2,000 with -delay
//	files-bench -delay 1ms mount BACKING MOUNTPOINT  a slow volume, until it is interrupted
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/initbox/initbox/e2e/files-bench/slowfs"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "files-bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var b bench
	flag.StringVar(&b.initbox, "initbox", "initbox", "the binary to measure")
	flag.StringVar(&b.dir, "dir", "/var/tmp", "where trees are made, on the file system to measure")
	flag.IntVar(&b.rounds, "rounds", 5, "how often each tool has its turn; the median is reported")
	flag.IntVar(&b.files, "files", 200_000, "files on the local disk, a hundred in each directory")
	flag.IntVar(&b.slowFiles, "slow-files", 20_000, "files on the slow volume; 0 for none")
	flag.DurationVar(&b.delay, "delay", time.Millisecond, "what each operation on the slow volume takes longer")
	flag.IntVar(&b.copyFiles, "copy-files", 20_000, "files of 4 KiB that are copied on the local disk; 0 for none")
	flag.BoolVar(&b.largeFile, "large-file", true, "copy one of 2 GiB on the local disk")
	flag.IntVar(&b.slowCopies, "slow-copies", 2_000, "files of 4 KiB that are copied on the slow volume; 0 for none")
	flag.Parse()
	switch flag.Arg(0) {
	case "chown":
		return b.chown(ctx)
	case "copy":
		return b.copy(ctx)
	case "mount":
		if flag.NArg() != 3 {
			return fmt.Errorf("usage: files-bench [-delay 1ms] mount BACKING MOUNTPOINT")
		}
		unmount, err := slowfs.Mount(flag.Arg(1), flag.Arg(2), b.delay)
		if err != nil {
			return err
		}
		<-ctx.Done()
		return unmount()
	default:
		return fmt.Errorf("name what to do: chown, copy or mount")
	}
}
