// Cmd writes an image of package debimage to a file, for docker load or ctr images import.
//
//	go run ./debimage/cmd postgres:15 postgres.tar
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/initbox/initbox/e2e/debimage"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "debimage: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: go run ./debimage/cmd NAME OUT.tar, where NAME is one of %s", strings.Join(debimage.Names(), ", "))
	}
	file, err := debimage.Archive(context.Background(), args[0])
	if err != nil {
		return err
	}
	in, err := os.Open(file)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(args[1])
	if err != nil {
		return err
	}
	defer out.Close()
	if _, err := io.Copy(out, in); err != nil {
		return err
	}
	return out.Close()
}
