// Package debimage puts images together from Debian packages, without a builder,
// a registry or root: the databases of the examples, the shell that stands in for an
// application, and the base of the Dockerfile.
//
// The images have the names of the official images and read the same environment
// variables, so a manifest works with both. Their files come from the Debian release
// that apt reaches here; /etc/os-release in the image names it.
//
// An image is a docker-archive file, which docker load and ctr images import read.
// It has one layer, and the same packages always make the same bytes. [Program] makes
// an image without any package.
package debimage

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// The names of the images.
const (
	Postgres = "postgres:15"
	MariaDB  = "mariadb:10.11"
	BusyBox  = "busybox:1.35"
	Bare     = "bare:1"
	Base     = "gcr.io/distroless/static-debian13:nonroot"
)

// A recipe is one image as plain data.
type recipe struct {
	name     string
	arch     string              // as Go names it; empty for the architecture of this machine
	packages []string            // with all their dependencies
	without  []string            // dependencies that are not needed here, as patterns
	alone    []string            // packages without their dependencies
	pick     map[string][]string // the wanted files of a package, if not all, as patterns
	drop     []string            // files and folders, as patterns of path.Match
	finish   func(*tree) error
	config   imageConfig
}

func recipes() []recipe {
	return []recipe{postgres(), mariadb(), busybox(), base(), bare()}
}

// Names lists the images.
func Names() []string {
	var names []string
	for _, r := range recipes() {
		names = append(names, r.name)
	}
	return names
}

// Archive returns the file of the image. It makes the file if the packages have changed since the last time.
// Files are in the user's cache folder; an existing file never changes.
func Archive(ctx context.Context, name string) (string, error) {
	all := recipes()
	i := slices.IndexFunc(all, func(r recipe) bool { return r.name == name })
	if i < 0 {
		return "", fmt.Errorf("no image %q: there are %s", name, strings.Join(Names(), ", "))
	}
	return all[i].cached(ctx)
}

// BaseArchive is Archive of Base for another architecture: Base has no program, so its files are always the same.
func BaseArchive(ctx context.Context, arch string) (string, error) {
	r := base()
	r.arch = arch
	return r.cached(ctx)
}

func (r recipe) cached(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file, err := r.archive(ctx, filepath.Join(cache, "initbox-test", "debimage"))
	if err != nil {
		return "", fmt.Errorf("image %s: %w", r.name, err)
	}
	return file, nil
}

func (r recipe) archive(ctx context.Context, cache string) (string, error) {
	apt, err := newApt(cache)
	if err != nil {
		return "", err
	}
	packages, err := apt.resolve(ctx, r)
	if err != nil {
		return "", err
	}
	key, err := r.key(packages)
	if err != nil {
		return "", err
	}
	if r.arch == "" {
		r.arch = runtime.GOARCH
	}
	name := strings.NewReplacer("/", "-", ":", "-").Replace(r.name) + "-" + r.arch
	file := filepath.Join(cache, name+"-"+key+".tar")
	if _, err := os.Stat(file); err == nil {
		return file, nil
	}
	debs, err := apt.download(ctx, packages)
	if err != nil {
		return "", err
	}
	t := newTree()
	for i, deb := range debs {
		if err := t.addDeb(ctx, deb, r.pick[packages[i].name]); err != nil {
			return "", err
		}
	}
	if err := r.complete(t); err != nil {
		return "", err
	}
	if err := r.write(file, t); err != nil {
		return "", err
	}
	return file, forget(cache, name, file)
}

//go:embed *.go files
var source embed.FS

// key changes with everything that changes the image: the packages, and the source of this package.
func (r recipe) key(packages []pkg) (string, error) {
	sum := sha256.New()
	for _, p := range packages {
		fmt.Fprintln(sum, p.file)
	}
	err := fs.WalkDir(source, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := source.ReadFile(name)
		fmt.Fprintf(sum, "%s %x\n", name, sha256.Sum256(text))
		return err
	})
	return hex.EncodeToString(sum.Sum(nil))[:16], err
}

// forget removes the older archives of an image, once they are too old to be in use.
func forget(cache, name, keep string) error {
	old, err := filepath.Glob(filepath.Join(cache, name+"-*.tar"))
	if err != nil {
		return err
	}
	for _, file := range old {
		info, err := os.Stat(file)
		if err == nil && file != keep && time.Since(info.ModTime()) > 24*time.Hour {
			err = os.Remove(file)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}
