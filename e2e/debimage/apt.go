package debimage

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/initbox/initbox/e2e/internal/command"
)

// A pkg is a package in the version that apt chose.
type pkg struct {
	name, version string
	file          string // its name in apt's archive
}

// apt resolves and downloads with the machine's own sources and signatures.
type apt struct {
	cache string
}

func newApt(cache string) (apt, error) {
	a := apt{cache: cache}
	if err := os.MkdirAll(filepath.Join(cache, "debs"), 0o755); err != nil {
		return a, err
	}
	// The empty status of a machine without packages: apt then names everything that a package needs.
	return a, os.WriteFile(a.nothing(), nil, 0o644)
}

func (a apt) nothing() string { return filepath.Join(a.cache, "status") }

// resolve returns the packages of the image. It updates apt's lists if they have no answer.
func (a apt) resolve(ctx context.Context, r recipe) ([]pkg, error) {
	packages, err := a.ask(ctx, r)
	if err == nil {
		return packages, nil
	}
	if updateErr := a.update(ctx); updateErr != nil {
		return nil, fmt.Errorf("%w; and %w", err, updateErr)
	}
	return a.ask(ctx, r)
}

func (a apt) ask(ctx context.Context, r recipe) ([]pkg, error) {
	var lines string
	if len(r.packages) > 0 {
		out, err := a.get(ctx, "", append([]string{"install", "--print-uris", "--no-install-recommends"}, r.packages...))
		if err != nil {
			return nil, err
		}
		lines += out
	}
	if len(r.alone) > 0 {
		out, err := a.get(ctx, "", append([]string{"download", "--print-uris"}, r.alone...))
		if err != nil {
			return nil, err
		}
		lines += out
	}
	var packages []pkg
	for line := range strings.Lines(lines) {
		p, err := parseURI(line)
		if err != nil {
			return nil, err
		}
		if !matches(r.without, p.name) {
			packages = append(packages, p)
		}
	}
	slices.SortFunc(packages, func(a, b pkg) int { return strings.Compare(a.file, b.file) })
	return slices.CompactFunc(packages, func(a, b pkg) bool { return a.file == b.file }), nil
}

// parseURI reads a line of --print-uris: 'URI' NAME_VERSION_ARCH.deb SIZE HASH.
func parseURI(line string) (pkg, error) {
	fields := strings.Fields(line)
	if len(fields) < 3 {
		return pkg{}, fmt.Errorf("apt-get printed %q, which is not a package", line)
	}
	file, err := url.PathUnescape(fields[1])
	if err != nil {
		return pkg{}, err
	}
	parts := strings.Split(strings.TrimSuffix(file, ".deb"), "_")
	if len(parts) != 3 {
		return pkg{}, fmt.Errorf("apt-get named the file %q, which is not a package", file)
	}
	return pkg{name: parts[0], version: parts[1], file: fields[1]}, nil
}

// download returns the files of the packages in the same order; apt checks signatures and hashes.
func (a apt) download(ctx context.Context, packages []pkg) ([]string, error) {
	folder := filepath.Join(a.cache, "debs")
	var files, missing []string
	for _, p := range packages {
		file := filepath.Join(folder, p.file)
		files = append(files, file)
		if _, err := os.Stat(file); err != nil {
			missing = append(missing, p.name+"="+p.version)
		}
	}
	if len(missing) == 0 {
		return files, nil
	}
	// Into a separate folder, then renamed: an interrupted download must not look like a package.
	temp, err := os.MkdirTemp(a.cache, "download-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(temp)
	if _, err := a.get(ctx, temp, append([]string{"download"}, missing...)); err != nil {
		return nil, err
	}
	got, err := filepath.Glob(filepath.Join(temp, "*.deb"))
	if err != nil {
		return nil, err
	}
	for _, file := range got {
		if err := os.Rename(file, filepath.Join(folder, filepath.Base(file))); err != nil {
			return nil, err
		}
	}
	return files, nil
}

func (a apt) update(ctx context.Context) error {
	_, err := command.Output(ctx, "apt-get", "update", "-qq")
	return err
}

func (a apt) get(ctx context.Context, folder string, args []string) (string, error) {
	args = append([]string{"apt-get", "-qq", "-o", "Dir::State::status=" + a.nothing(), "-o", "APT::Sandbox::User=root"}, args...)
	return command.Command{Folder: folder, Args: args}.Output(ctx)
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, _ := path.Match(pattern, name) // patterns are constants; a test matches each
		return ok
	})
}
