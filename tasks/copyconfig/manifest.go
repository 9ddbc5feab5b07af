package copyconfig

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/filecopy"
	"github.com/initbox/initbox/internal/files/fileperm"
)

// A manifest is what runs of one copy have written into a destination: the
// files, each with the digests of what may be in it, and the directories. It is
// written before the first new file, with all that is about to come, and again
// at the end. A run that is killed in between leaves one that knows its files.
type manifest struct {
	dst    *target
	name   string
	onDisk []byte // what the file has
	files  map[string][]digest
	dirs   map[string]bool
}

const (
	manifestPrefix = ".initbox-manifest-"
	manifestHead   = "initbox manifest 1\n"
	manifestLimit  = 256 << 20
)

// manifestName tells copies apart that share a destination: by their sources, by
// what of them they take, and by the name that a file gets.
func (r *run) manifestName(dst *target) (string, error) {
	h := sha256.New()
	put := func(list ...string) { fmt.Fprintf(h, "%q\n", list) }
	for _, s := range r.Sources {
		path, err := filepath.Abs(s)
		if err != nil {
			return "", err
		}
		put(path)
	}
	put(dst.name)
	put(r.Include...)
	put(r.Exclude...)
	return manifestPrefix + hex.EncodeToString(h.Sum(nil)[:8]), nil
}

// openManifest reads the manifest in dst, which may be missing.
func (r *run) openManifest(ctx context.Context, dst *target) (*manifest, error) {
	name, err := r.manifestName(dst)
	if err != nil {
		return nil, err
	}
	m := &manifest{dst: dst, name: name, files: make(map[string][]digest), dirs: make(map[string]bool)}
	if dst.fd < 0 {
		return m, nil
	}
	fd, err := dirfd.Open(dst.fd, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if dirfd.IsGone(err) {
		return m, nil
	}
	if err != nil {
		return nil, explain(fmt.Errorf("open the manifest %s: %w", m.path(), err))
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := dirfd.Fstat(fd, &st); err != nil {
		return nil, explain(fmt.Errorf("open the manifest %s: %w", m.path(), err))
	}
	if m.onDisk, err = filecopy.ReadAll(ctx, fd, st.Size, manifestLimit); err != nil {
		return nil, explain(fmt.Errorf("read the manifest %s: %w", m.path(), err))
	}
	if err := m.parse(m.onDisk); err != nil {
		r.env.Log.Warn("the manifest is damaged, what earlier runs wrote is not known and stays", "path", m.path(), "cause", err)
		clear(m.files)
		clear(m.dirs)
	}
	return m, nil
}

func (m *manifest) path() string { return shown(join(m.dst.path, m.name)) }

const dirMark = "dir"

// parse adds what data says.
func (m *manifest) parse(data []byte) error {
	lines, ok := strings.CutPrefix(string(data), manifestHead)
	if !ok {
		return errors.New("line 1: it does not begin as a manifest does")
	}
	number := 1
	for line := range strings.Lines(lines) {
		number++
		mark, quoted, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		path, err := strconv.Unquote(quoted)
		if err != nil || !filepath.IsLocal(path) || path == "." || path != filepath.Clean(path) {
			return fmt.Errorf("line %d: no path", number)
		}
		if mark == dirMark {
			m.dirs[path] = true
			continue
		}
		sum, err := hex.DecodeString(mark)
		if err != nil || len(sum) != len(digest{}) {
			return fmt.Errorf("line %d: no digest", number)
		}
		m.note(path, digest(sum))
	}
	return nil
}

func (m *manifest) note(path string, sum digest) {
	if !slices.Contains(m.files[path], sum) {
		m.files[path] = append(m.files[path], sum)
	}
}

// format is the reverse of parse.
func (m *manifest) format() []byte {
	var b bytes.Buffer
	b.WriteString(manifestHead)
	for _, path := range slices.Sorted(maps.Keys(m.dirs)) {
		fmt.Fprintf(&b, "%s %s\n", dirMark, strconv.Quote(path))
	}
	for _, path := range slices.Sorted(maps.Keys(m.files)) {
		sums := slices.SortedFunc(slices.Values(m.files[path]), func(a, b digest) int { return bytes.Compare(a[:], b[:]) })
		for _, sum := range sums {
			fmt.Fprintf(&b, "%x %s\n", sum, strconv.Quote(path))
		}
	}
	return b.Bytes()
}

// write brings the manifest to the disk if it says something new.
func (m *manifest) write(ctx context.Context, r *run) error {
	data := m.format()
	if bytes.Equal(data, m.onDisk) || len(m.onDisk) == 0 && len(m.files)+len(m.dirs) == 0 {
		return nil
	}
	err := r.env.Do(ctx, "write", m.path(), func() error {
		// The digests are for nobody else to try passwords against.
		own := atomicfile.Attributes{Mode: 0o600, UID: fileperm.Keep, GID: fileperm.Keep}
		return atomicfile.WriteFile(m.dst.fd, m.name, data, own, r.wantsSync(m.dst.fd))
	})
	if err != nil {
		return explain(err)
	}
	m.onDisk = data
	return nil
}

// writeAhead adds what is about to be written, and writes that down first.
func (m *manifest) writeAhead(ctx context.Context, r *run) error {
	r.top.each(func(n *node) {
		if n.missing && n.parent != nil {
			m.dirs[n.rel()] = true
		}
		for _, f := range n.files {
			if f.hash != nil {
				m.note(n.under(f.name), *f.hash)
			}
		}
	})
	return m.write(ctx, r)
}

// finish removes what is no longer part of the copy, and writes down what is.
func (m *manifest) finish(ctx context.Context, r *run) error {
	stale := &manifest{dst: m.dst, files: maps.Clone(m.files), dirs: maps.Clone(m.dirs)}
	r.top.each(func(n *node) {
		delete(stale.dirs, n.rel())
		for _, f := range n.files {
			path := n.under(f.name)
			delete(stale.files, path)
			if f.hash != nil {
				m.files[path] = []digest{*f.hash}
			}
		}
	})
	p, err := m.prune(ctx, r, stale)
	if err != nil {
		return err
	}
	for path := range stale.files {
		if !p.unsure[path] {
			delete(m.files, path)
		}
	}
	for path := range stale.dirs {
		delete(m.dirs, path)
	}
	return m.write(ctx, r)
}
