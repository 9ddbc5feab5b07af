package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/initbox/initbox/e2e/debimage"
	"github.com/initbox/initbox/e2e/internal/command"
)

// Name is the name of the image in every manifest.
const Name = "initbox:dev"

// A Build is one run of make image.
type Build struct {
	Root string   // the repository's folder
	Arch string   // amd64 or arm64
	Args []string // more for make, such as IMAGE=initbox:other
	Env  []string // more variables of the environment
}

// Make builds the image with the repository's Makefile and returns its output.
func (e *Engine) Make(ctx context.Context, b Build) (string, error) {
	base, err := debimage.BaseArchive(ctx, b.Arch)
	if err != nil {
		return "", err
	}
	if _, err := e.Docker(ctx, "load", "--quiet", "--input", base); err != nil {
		return "", err
	}
	return command.Command{
		Folder: b.Root,
		// If make runs this program, its flags are not meant for this make.
		Env:  append(append(e.Env(), "MAKEFLAGS=", "MAKELEVEL=0"), b.Env...),
		Args: append([]string{"make", "--no-print-directory", "image", "ARCH=" + b.Arch}, b.Args...),
	}.Output(ctx)
}

// Root is the repository's folder, found from any folder in it.
func Root(ctx context.Context) (string, error) {
	// This is the go.mod of the module e2e, which is right below the root.
	out, err := command.Output(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "github.com/initbox/initbox/e2e")
	return filepath.Dir(strings.TrimSpace(out)), err
}

// Archive builds the image for this machine in an engine that it starts and stops, and
// writes it to file as docker save does. ctr images import reads that format.
func Archive(ctx context.Context, file string) (err error) {
	root, err := Root(ctx)
	if err != nil {
		return err
	}
	e, err := Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, e.Stop()) }()
	if _, err := e.Make(ctx, Build{Root: root, Arch: runtime.GOARCH, Args: []string{"IMAGE=" + Name}}); err != nil {
		return err
	}
	_, err = e.Docker(ctx, "save", "--output", file, Name)
	if err != nil {
		return err
	}
	return os.Chmod(file, 0o644)
}
