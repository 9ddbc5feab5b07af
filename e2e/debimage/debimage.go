// Package debimage puts images together from Debian packages, without a builder,
// a registry or root: the databases that the examples name, the shell that stands
// for an application, and the base that the Dockerfile names.
//
// They bear the names of the official images and honour the same environment
// variables, so a manifest that works with one works with the other. Their files are
// of the Debian release that apt reaches here, which /etc/os-release in them names.
//
// An image is a docker-archive file, which docker load and ctr images import read.
// It has one layer, and the same packages always make the same bytes. [Program] makes
// one without any package.
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

// Names of the images that there are.
const (
	Postgres = "postgres:15"
	MariaDB  = "mariadb:10.11"
	BusyBox  = "busybox:1.35"
	Base     = "gcr.io/distroless/static-debian13:nonroot"
)

// A recipe is one image as plain data.
type recipe struct {
	name     string
	arch     string              // as Go names it; empty for that of this machine
	packages []string            // with all that they depend on
	without  []string            // packages that these name but do not need here, as patterns
	alone    []string            // packages of which only the files are wanted, not what they depend on
	pick     map[string][]string // the files of a package that are wanted, if not all, as patterns
	drop     []string            // files and folders, as patterns of path.Match
	finish   func(*tree) error
	config   imageConfig
}

func recipes() []recipe {
	return []recipe{postgres(), mariadb(), busybox(), base()}
}

// Names lists the images.
func Names() []string {
	var names []string
	for _, r := range recipes() {
		names = append(names, r.name)
	}
	return names
}

// Archive returns the file of the image, made now unless the packages are those of the last time.
// Files are kept in the user's cache folder; nobody writes to one that is there.
func Archive(ctx context.Context, name string) (string, error) {
	all := recipes()
	i := slices.IndexFunc(all, func(r recipe) bool { return r.name == name })
	if i < 0 {
		return "", fmt.Errorf("no image %q: there are %s", name, strings.Join(Names(), ", "))
	}
	return all[i].cached(ctx)
}

// BaseArchive is Archive of Base for another architecture: it holds no program, so all have the same files.
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

// key changes with whatever makes another image: the packages, and the source of this package.
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

// forget removes the archives that an image had before, if nobody can be about to use them.
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
