package render

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// dataLink is the link in a mounted Secret or ConfigMap to the directory that
// holds the version in force. Kubelet replaces it with a new one.
const dataLink = "..data"

// swaps is how often a directory may be replaced while it is read.
const swaps = 10

// readDir adds the variables of one --vars-dir: one for each regular file,
// without the line end at its end. All come from one version of the mount.
func (r *Renderer) readDir(ctx context.Context, path string) error {
	for range swaps {
		if err := ctx.Err(); err != nil {
			return err
		}
		// Kubelet removes an old version's files, so a directory that is open may
		// turn out to be empty. What was read counts only if it is still in force.
		before, _ := os.Readlink(filepath.Join(path, dataLink))
		vars, err := readVersion(ctx, path, before)
		if after, _ := os.Readlink(filepath.Join(path, dataLink)); after != before {
			continue
		}
		if err != nil {
			return varsError("--vars-dir", path, err)
		}
		for name, value := range vars {
			r.set(name, value)
		}
		return nil
	}
	return varsError("--vars-dir", path, errors.New("it was replaced each time it was read"))
}

// readVersion reads the directory version beneath path, or path itself.
func readVersion(ctx context.Context, path, version string) (map[string]string, error) {
	if filepath.IsAbs(version) {
		path = version
	} else {
		path = filepath.Join(path, version)
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, plain(err)
	}
	defer root.Close()
	entries, err := fs.ReadDir(root.FS(), ".")
	if err != nil {
		return nil, plain(err)
	}
	vars := make(map[string]string)
	left := int64(maxVars)
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), "..") {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		value, ok, err := readValue(root, e.Name(), left)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		if left -= int64(len(value)); ok {
			vars[e.Name()] = trimLineEnd(value)
		}
	}
	return vars, nil
}

// readValue returns the content of the file name; ok is false for a directory,
// which a Secret projected with paths has.
func readValue(root *os.Root, name string, limit int64) (value string, ok bool, err error) {
	f, err := root.OpenFile(name, openFlags, 0)
	if err != nil {
		return "", false, plain(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.IsDir() {
		return "", false, err
	}
	data, err := readRegular(f, limit)
	return string(data), err == nil, plain(err)
}

// trimLineEnd drops one line end: the one that an editor or echo adds.
func trimLineEnd(s string) string {
	if rest, ok := strings.CutSuffix(s, "\n"); ok {
		return strings.TrimSuffix(rest, "\r")
	}
	return s
}
