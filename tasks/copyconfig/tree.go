package copyconfig

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/mount"
	"github.com/initbox/initbox/internal/text"
)

// A node is a directory of the destination with what shall be in it. Paths are
// put together when they are needed: there may be very many of them.
type node struct {
	parent *node
	name   string
	dirs   []*node // sorted by name
	files  []*file // sorted by name

	missing bool // it is not there, and a dry run or a comparison does not make it
	fresh   bool // this run has made it, so it is empty
	exists  bool // it was found in the destination
}

// A file is what shall be in the destination.
type file struct {
	name    string
	base    string // its name in dir
	dir     *mount.Dir
	content *content // read before the first write; nil to read it when it is written

	exists bool // something of that name was found in the destination
	plain  bool // it was a regular file then
	known  bool // fate is known from an earlier look
	fate   fate
	hash   *digest // of the content that is to be written, for the manifest
}

// A content is what a file shall have in it.
type content struct {
	data []byte
	fd   int  // to read from, if data is nil
	held bool // fd stays open until the attempt ends
	st   unix.Stat_t
}

func (c *content) close() {
	if c.fd >= 0 && !c.held {
		unix.Close(c.fd)
	}
}

func (c *content) size() int64 {
	if c.data != nil {
		return int64(len(c.data))
	}
	return c.st.Size
}

// A fate is what becomes of a file.
type fate uint8

const (
	created fate = iota
	updated
	unchanged
	kept    // it exists, and --if-absent leaves it alone
	removed // no source has it any more
)

var fateNames = [...]string{"created", "updated", "unchanged", "kept", "removed"}

// rel returns the path of n beneath the destination, "" for the destination itself.
func (n *node) rel() string {
	var parts []string
	for ; n.parent != nil; n = n.parent {
		parts = append(parts, n.name)
	}
	slices.Reverse(parts)
	return strings.Join(parts, "/")
}

// under returns the path of name in n beneath the destination.
func (n *node) under(name string) string {
	if n.parent == nil {
		return name
	}
	return n.rel() + "/" + name
}

// each calls visit for n and all directories beneath it, parents first.
func (n *node) each(visit func(*node)) {
	visit(n)
	for _, d := range n.dirs {
		d.each(visit)
	}
}

// names returns what is directly in n, directories first.
func (n *node) names() []string {
	names := make([]string, 0, len(n.dirs)+len(n.files))
	for _, d := range n.dirs {
		names = append(names, d.name)
	}
	for _, f := range n.files {
		names = append(names, f.name)
	}
	return names
}

// findFile returns the file called name in n, or nil.
func (n *node) findFile(name string) *file {
	i, ok := slices.BinarySearchFunc(n.files, name, func(f *file, name string) int { return cmp.Compare(f.name, name) })
	if !ok {
		return nil
	}
	return n.files[i]
}

// findDir returns the directory called name in n, or nil.
func (n *node) findDir(name string) *node {
	i, ok := slices.BinarySearchFunc(n.dirs, name, func(d *node, name string) int { return cmp.Compare(d.name, name) })
	if !ok {
		return nil
	}
	return n.dirs[i]
}

// add puts files into n; those that it has under the same names are replaced.
func (n *node) add(files []*file) {
	if len(n.files) == 0 {
		n.files = files
		return
	}
	for _, f := range files {
		i, ok := slices.BinarySearchFunc(n.files, f.name, func(f *file, name string) int { return cmp.Compare(f.name, name) })
		if ok {
			n.files[i] = f
		} else {
			n.files = slices.Insert(n.files, i, f)
		}
	}
}

// sub returns the directory name in n, which it makes if need be.
func (n *node) sub(name string) *node {
	i, ok := slices.BinarySearchFunc(n.dirs, name, func(d *node, name string) int { return cmp.Compare(d.name, name) })
	if !ok {
		n.dirs = slices.Insert(n.dirs, i, &node{parent: n, name: name})
	}
	return n.dirs[i]
}

// prune drops the directories beneath n that have no files.
func (n *node) prune() {
	for _, d := range n.dirs {
		d.prune()
	}
	n.dirs = slices.DeleteFunc(n.dirs, func(d *node) bool { return len(d.files)+len(d.dirs) == 0 })
}

// counts are the sums of a run.
type counts struct {
	total atomic.Int64
	fates [len(fateNames)]atomic.Int64
}

// startOver forgets what the next attempt counts again: what it finds done, and
// with --atomic-dir all, for nothing was published.
func (c *counts) startOver(publishing bool) {
	for f := range c.fates {
		if publishing || fate(f) == unchanged || fate(f) == kept {
			c.fates[f].Store(0)
		}
	}
}

func (c *counts) add(f fate) { c.fates[f].Add(1) }

// line is the summary: "12 files: 3 created, 1 updated, 8 unchanged".
func (c *counts) line() string {
	var parts []string
	for f, name := range fateNames {
		if n := c.fates[f].Load(); n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	head := text.Count(c.total.Load(), "file", "files")
	if len(parts) == 0 {
		return head
	}
	return head + ": " + strings.Join(parts, ", ")
}
