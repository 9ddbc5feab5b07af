package debimage

import (
	"archive/tar"
	"bytes"
	"path"
	"slices"
	"testing"
	"time"
)

func TestPatternsAreSound(t *testing.T) {
	for _, r := range recipes() {
		patterns := slices.Concat(unread, r.drop, r.without)
		for _, pick := range r.pick {
			patterns = append(patterns, pick...)
		}
		for _, pattern := range patterns {
			if _, err := path.Match(pattern, ""); err != nil {
				t.Errorf("%s: %q: %v", r.name, pattern, err)
			}
		}
	}
}

func TestPlace(t *testing.T) {
	for name, want := range map[string]string{
		"./":                 ".",
		"./bin/sh":           "usr/bin/sh",
		"./lib64":            "usr/lib64",
		"./usr/bin/env":      "usr/bin/env",
		"./library/bin/x":    "library/bin/x",
		"./etc/../lib/x.so":  "usr/lib/x.so",
		"./usr/share/doc/x/": "usr/share/doc/x",
	} {
		if got := place(name); got != want {
			t.Errorf("place(%q) is %q, want %q", name, got, want)
		}
	}
}

func TestParseURI(t *testing.T) {
	got, err := parseURI("'http://deb.debian.org/x/zlib1g_1.2.13_amd64.deb' zlib1g_1%3a1.2.13.dfsg-1_amd64.deb 86684 SHA256:ec42\n")
	if want := (pkg{name: "zlib1g", version: "1:1.2.13.dfsg-1", file: "zlib1g_1%3a1.2.13.dfsg-1_amd64.deb"}); err != nil || got != want {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
	for _, line := range []string{"", "'uri'", "'uri' file.deb 1 x"} {
		if got, err := parseURI(line); err == nil {
			t.Errorf("parseURI(%q) is %+v", line, got)
		}
	}
}

func TestUnreadKeepsWhatLicencesAskFor(t *testing.T) {
	names := []string{
		"usr/share/doc/x/copyright", "usr/share/doc/x/changelog.gz", "usr/share/doc/x/README", "usr/share/doc/x/examples/copyright",
		"usr/share/man/man1/x.1", "usr/bin/x",
	}
	tree := newTree()
	for _, name := range names {
		tree.file(name, 0o644, "")
	}
	tree.removeMatching(unread)
	for i, name := range names {
		if _, kept := tree.entries[name]; kept != (i == 0 || i == 5) {
			t.Errorf("%s: kept %v", name, kept)
		}
	}
}

func TestLayer(t *testing.T) {
	build := func(order []string) []byte {
		tree := newTree()
		tree.newest = time.Unix(1e9, 0)
		for _, name := range order {
			tree.file(name, 0o644, name)
		}
		tree.set(tar.Header{Typeflag: tar.TypeLink, Name: "a/first", Linkname: "z/file"}, "")
		var b bytes.Buffer
		if err := tree.write(&b); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	layer := build([]string{"z/file", "b/other"})
	if !bytes.Equal(layer, build([]string{"b/other", "z/file"})) {
		t.Error("the order in which files came changes the layer")
	}
	var names []string
	for r := tar.NewReader(bytes.NewReader(layer)); ; {
		h, err := r.Next()
		if err != nil {
			break
		}
		names = append(names, h.Name)
	}
	// Folders before what is in them, hard links after all that they may link to.
	if want := []string{"a/", "b/", "b/other", "z/", "z/file", "a/first"}; !slices.Equal(names, want) {
		t.Errorf("the layer has %q, want %q", names, want)
	}

	broken := newTree()
	broken.set(tar.Header{Typeflag: tar.TypeLink, Name: "link", Linkname: "gone"}, "")
	if err := broken.write(new(bytes.Buffer)); err == nil {
		t.Error("a hard link to nothing was written")
	}
}
