// Cmd prints the sizes of an image for make image, and builds the image without a Docker engine of the user.
//
//	docker save IMAGE | go run ./image/cmd size -ours N -max BYTES
//	                                                            print the sizes; fails if our N layers exceed BYTES
//	go run ./image/cmd archive FILE                             build the image as docker save writes it (root)
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/initbox/initbox/e2e/image"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "image: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	ours := flags.Int("ours", 1, "size: how many of the image's layers are not its base's")
	limit := flags.Int64("max", 0, "size: most bytes that these may have, compressed; 0 for any")
	usage := errors.New("usage: size [-ours N] [-max BYTES] | archive FILE")
	if len(args) == 0 {
		return usage
	}
	if err := flags.Parse(args[1:]); err != nil {
		return err
	}
	switch {
	case args[0] == "size" && flags.NArg() == 0:
		return size(*ours, *limit)
	case args[0] == "archive" && flags.NArg() == 1:
		return image.Archive(context.Background(), flags.Arg(0))
	}
	return usage
}

func size(ours int, limit int64) error {
	c, err := image.Read(os.Stdin)
	if err != nil {
		return err
	}
	base := len(c.Layers) - ours
	if ours < 0 || base < 0 {
		return fmt.Errorf("-ours %d: the image has %d layers", ours, len(c.Layers))
	}
	for i, l := range c.Layers {
		what := "base"
		if i >= base {
			what = "ours"
		}
		fmt.Printf("%s  %-4s %10d bytes, %10d compressed\n", l.Digest, what, l.Size, l.Pulled)
	}
	over := c.Over(base)
	fmt.Printf("the image for %s/%s has %d bytes, compressed: %d over its base", c.Config.OS, c.Config.Architecture, c.Pulled(), over)
	if limit == 0 {
		fmt.Println()
		return nil
	}
	fmt.Printf(", of at most %d\n", limit)
	if over > limit {
		return fmt.Errorf("%d bytes too many", over-limit)
	}
	return nil
}
