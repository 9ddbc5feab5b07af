package debimage

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/initbox/initbox/e2e/internal/command"
)

// An entry is a file, folder or link of the image.
type entry struct {
	header tar.Header // Name is relative to the image's root: usr/bin/sh
	body   []byte
}

// A tree holds the contents of an image in memory: nothing is unpacked, so root is not needed.
type tree struct {
	entries map[string]entry
	// newest is the time of the newest file of the packages; files that are made here get the same time.
	newest time.Time
}

func newTree() *tree { return &tree{entries: map[string]entry{}} }

// addDeb adds the files of a package, all of them or those that match a pattern. It does not run the package's scripts.
func (t *tree) addDeb(ctx context.Context, file string, pick []string) error {
	raw, err := command.Output(ctx, "dpkg-deb", "--fsys-tarfile", file)
	if err != nil {
		return err
	}
	for r := tar.NewReader(strings.NewReader(raw)); ; {
		header, err := r.Next()
		if err == io.EOF {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		name := place(header.Name)
		if name == "." || pick != nil && (header.Typeflag == tar.TypeDir || !matches(pick, name)) {
			continue
		}
		h := tar.Header{
			Typeflag: header.Typeflag, Name: name, Linkname: header.Linkname, Size: header.Size,
			Mode: header.Mode, Uid: header.Uid, Gid: header.Gid, ModTime: header.ModTime,
		}
		if h.Typeflag == tar.TypeLink {
			h.Linkname = place(h.Linkname)
		}
		if h.ModTime.After(t.newest) {
			t.newest = h.ModTime
		}
		t.entries[name] = entry{h, body}
	}
}

// merged are the folders that Debian's usrmerge turned into links.
var merged = []string{"bin", "sbin", "lib", "lib32", "lib64", "libx32"}

// place returns where a file of a package belongs when /bin and the like are links into /usr.
func place(name string) string {
	name = path.Clean(strings.TrimPrefix(strings.TrimPrefix(name, "."), "/"))
	if first, _, _ := strings.Cut(name, "/"); slices.Contains(merged, first) {
		return "usr/" + name
	}
	return name
}

// merge adds the links of usrmerge.
func (t *tree) merge() {
	for _, name := range merged {
		if _, ok := t.entries["usr/"+name]; ok {
			t.link(name, "usr/"+name)
		}
	}
}

// removeMatching removes what matches a pattern, and everything below it.
func (t *tree) removeMatching(patterns []string) {
	for name := range maps.Clone(t.entries) {
		for at := name; at != "."; at = path.Dir(at) {
			if matches(patterns, at) {
				delete(t.entries, name)
				break
			}
		}
	}
}

func (t *tree) file(name string, mode int64, body string) {
	t.set(tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: mode, Size: int64(len(body))}, body)
}

func (t *tree) link(name, target string) {
	t.set(tar.Header{Typeflag: tar.TypeSymlink, Name: name, Mode: 0o777, Linkname: target}, "")
}

// dir makes a folder that belongs to owner, as user and as group.
func (t *tree) dir(name string, mode int64, owner int) {
	t.set(tar.Header{Typeflag: tar.TypeDir, Name: name, Mode: mode, Uid: owner, Gid: owner}, "")
}

func (t *tree) set(h tar.Header, body string) {
	for parent := path.Dir(h.Name); parent != "."; parent = path.Dir(parent) {
		if _, ok := t.entries[parent]; !ok {
			t.dir(parent, 0o755, 0)
		}
	}
	h.ModTime = t.newest
	t.entries[h.Name] = entry{h, []byte(body)}
}

// write writes the tree as a layer. Hard links come last, because their targets must exist.
func (t *tree) write(to io.Writer) error {
	w := tar.NewWriter(to)
	names := slices.Sorted(maps.Keys(t.entries))
	for _, hard := range []bool{false, true} {
		for _, name := range names {
			e := t.entries[name]
			if (e.header.Typeflag == tar.TypeLink) != hard {
				continue
			}
			if _, ok := t.entries[e.header.Linkname]; hard && !ok {
				return fmt.Errorf("%s is a hard link to %s, which is not in the image", name, e.header.Linkname)
			}
			if e.header.Typeflag == tar.TypeDir {
				e.header.Name += "/"
			}
			if err := w.WriteHeader(&e.header); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if _, err := w.Write(e.body); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return w.Close()
}
