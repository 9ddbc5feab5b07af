package main

import (
	"compress/gzip"
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/image"
)

// published are programs that cannot be built here, with their published sizes. Those
// are compressed sizes, so they are compared with our compressed size.
var published = []struct {
	who    string
	packed float64
}{
	{"wait4x 2.14.0, as published ([Alpine's package](https://pkgs.alpinelinux.org/package/v3.23/community/aarch64/wait4x), aarch64)", 8.6 * (1 << 20)},
	{"dockerize 0.15.2, as published ([archive of the release](https://sourceforge.net/projects/dockerize.mirror/files/v0.15.2/), linux-amd64)", 7.9e6},
}

// size weighs our image, and the programs stripped and compressed with gzip, as in a layer.
func (b *bench) size(ctx context.Context) ([]row, error) {
	peers, err := buildPeers()
	if err != nil {
		return nil, err
	}
	busybox, err := exec.LookPath("busybox")
	if err != nil {
		return nil, err
	}
	c := comparison{what: "size", rounds: 1, metrics: []metric{
		{name: "program, stripped", of: 0, unit: megabytes},
		{name: "program, packed", of: 1, unit: megabytes},
	}}
	for _, p := range []struct{ name, file string }{
		{"initbox", b.initbox},
		{"busybox-static of Debian", busybox},
		{peerMigrate + " (PostgreSQL and MySQL alone)", peers.golangMigrate},
		{"goose (PostgreSQL and MySQL alone)", peers.goose},
		{"tern", peers.tern},
	} {
		c.contenders = append(c.contenders, contender{name: p.name, run: func(ctx context.Context, _ int) (sample, error) {
			return weighFile(ctx, p.file)
		}})
	}
	rows, err := c.measure(ctx)
	if err != nil {
		return nil, err
	}
	for _, p := range published {
		rows = append(rows, row{what: c.what, measured: "program, packed", who: p.who, median: megabytes(p.packed)})
	}
	whole := comparison{what: "size", rounds: 1, contenders: []contender{{name: image.Name, run: b.pulled}}, metrics: []metric{
		{name: "image, compressed", of: 0, unit: megabytes},
		{name: "image over its base, compressed", of: 1, unit: megabytes, targets: []target{{9e6, ""}}},
	}}
	if b.brief {
		whole.contenders[0].missing = "not in brief: the tests in e2e/docker measure it"
	}
	more, err := whole.measure(ctx)
	return append(rows, more...), err
}

// weighFile returns the size of a program without its symbols, plain and compressed.
func weighFile(ctx context.Context, file string) (sample, error) {
	dir, remove, err := temporary("")
	if err != nil {
		return nil, err
	}
	defer remove()
	stripped := filepath.Join(dir, "stripped")
	if _, err := timed(ctx, "strip", "-o", stripped, file); err != nil {
		return nil, err
	}
	f, err := os.Open(stripped)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var packed counter
	z := gzip.NewWriter(&packed)
	size, err := io.Copy(z, f)
	if err == nil {
		err = z.Close()
	}
	return sample{float64(size), float64(packed)}, err
}

// A counter counts what is written to it.
type counter int64

func (c *counter) Write(p []byte) (int, error) {
	*c += counter(len(p))
	return len(p), nil
}

// pulled returns the bytes to download for a node without any layer of our image, and
// for a node that has the layers of the base.
func (b *bench) pulled(ctx context.Context, _ int) (s sample, err error) {
	dir, remove, err := temporary("")
	if err != nil {
		return nil, err
	}
	defer remove()
	archive, err := buildImage(ctx, dir)
	if err != nil {
		return nil, err
	}
	base, err := debimage.Archive(ctx, debimage.Base)
	if err != nil {
		return nil, err
	}
	whole, err := contents(archive)
	if err != nil {
		return nil, err
	}
	below, err := contents(base)
	if err != nil {
		return nil, err
	}
	return sample{float64(whole.Pulled()), float64(whole.Over(len(below.Layers)))}, nil
}

func contents(archive string) (image.Contents, error) {
	f, err := os.Open(archive)
	if err != nil {
		return image.Contents{}, err
	}
	defer f.Close()
	return image.Read(f)
}

// buildImage builds our image and returns its archive, a file in dir.
func buildImage(ctx context.Context, dir string) (archive string, err error) {
	archive = filepath.Join(dir, "initbox.tar")
	return archive, image.Archive(ctx, archive)
}
