package copyconfig

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// A pruner removes what earlier runs wrote and is no longer part of the copy.
type pruner struct {
	*run
	dst     *target
	removed map[string]bool
	unsure  map[string]bool // files that could not be read, so that they stay in the manifest
}

// makeRoom removes what earlier runs wrote where a directory must be by now, or the
// other way round, so that there is place.
func (m *manifest) makeRoom(ctx context.Context, r *run) error {
	p, err := m.prune(ctx, r, m.clashes(r.top))
	if err != nil {
		return err
	}
	r.cleared = p.removed
	for path := range p.removed {
		delete(m.files, path)
		delete(m.dirs, path)
	}
	return nil
}

// clashes returns what of m is in the way of what is in top. What a run that was
// killed has cleared already, it drops from m.
func (m *manifest) clashes(top *node) *manifest {
	clash := &manifest{dst: m.dst, files: make(map[string][]digest), dirs: make(map[string]bool)}
	top.each(func(n *node) {
		path := n.rel()
		sums, ok := m.files[path]
		if ok && m.isDir(path) {
			delete(m.files, path)
		} else if ok {
			clash.files[path] = sums
		}
		for _, f := range n.files {
			if path := n.under(f.name); m.dirs[path] && m.isDir(path) {
				clash.dirs[path] = true
			} else {
				delete(m.dirs, path)
			}
		}
	})
	if len(clash.dirs) == 0 {
		return clash
	}
	beneath := func(file string) bool {
		for file = path.Dir(file); file != "."; file = path.Dir(file) {
			if clash.dirs[file] {
				return true
			}
		}
		return false
	}
	for file, sums := range m.files {
		if beneath(file) {
			clash.files[file] = sums
		}
	}
	for dir := range m.dirs {
		if beneath(dir) {
			clash.dirs[dir] = true
		}
	}
	return clash
}

// isDir reports whether a directory is in the place of path.
func (m *manifest) isDir(path string) bool {
	var st unix.Stat_t
	return m.dst.fd >= 0 && dirfd.Stat(m.dst.fd, path, &st) == nil && st.Mode&unix.S_IFMT == unix.S_IFDIR
}

// prune removes the files of stale that nobody has changed since, and the
// directories of stale that are empty then.
func (m *manifest) prune(ctx context.Context, r *run, stale *manifest) (*pruner, error) {
	p := &pruner{run: r, dst: m.dst, removed: make(map[string]bool), unsure: make(map[string]bool)}
	byDir := make(map[string][]string)
	for file := range stale.files {
		byDir[path.Dir(file)] = append(byDir[path.Dir(file)], file)
	}
	for dir := range stale.dirs {
		byDir[dir] = append(byDir[dir], nil...) // a killed run may have left something in it
	}
	for _, dir := range slices.Sorted(maps.Keys(byDir)) {
		if err := p.pruneDir(ctx, dir, byDir[dir], stale); err != nil {
			return nil, err
		}
	}
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(stale.dirs))) { // what is inside comes first
		if err := p.removeDir(ctx, dir); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// pruneDir removes files of one directory.
func (p *pruner) pruneDir(ctx context.Context, dir string, files []string, stale *manifest) error {
	fd, err := p.open(dir)
	if fd < 0 {
		return err
	}
	defer unix.Close(fd)
	if dir != "." && !p.env.DryRun {
		lockless, err := p.lock(ctx, fd, func() string { return join(p.dst.path, dir) })
		if err != nil {
			return err
		}
		if err := p.sweep(ctx, fd, join(p.dst.path, dir), lockless); err != nil {
			return err
		}
	}
	slices.Sort(files)
	before := p.counts.fates[removed].Load()
	for _, file := range files {
		if err := p.removeFile(ctx, fd, file, stale.files[file]); err != nil {
			return err
		}
	}
	if p.counts.fates[removed].Load() > before && !p.env.DryRun && p.wantsSync(fd) {
		return explain(dirfd.Sync(fd))
	}
	return nil
}

// open opens a directory that may be gone; then, or if it is another thing by
// now, it returns -1.
func (p *pruner) open(dir string) (int, error) {
	if p.dst.fd < 0 {
		return -1, nil
	}
	fd, err := dirfd.OpenDir(p.dst.fd, dir)
	switch {
	case err == nil:
		return fd, nil
	case dirfd.IsGone(err), dirfd.IsLink(err), err == unix.ENOTDIR:
		return -1, nil
	}
	return -1, explain(fmt.Errorf("open %s: %w", p.at(dir), err))
}

// removeFile removes a file if it is as a run of this copy has written it.
func (p *pruner) removeFile(ctx context.Context, dir int, file string, sums []digest) error {
	name := path.Base(file)
	var st unix.Stat_t
	if err := dirfd.Stat(dir, name, &st); dirfd.IsGone(err) {
		return nil
	}
	fd, err := dirfd.Open(dir, name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
	if err == nil {
		defer unix.Close(fd)
		err = dirfd.Fstat(fd, &st)
	}
	var sum digest
	regular := st.Mode&unix.S_IFMT == unix.S_IFREG
	if err == nil && regular {
		sum, err = digestOf(ctx, fd, make([]byte, half))
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && regular:
		p.env.Log.Warn("gone from the sources, but it cannot be read and so stays", "path", p.at(file), "cause", err)
		p.unsure[file] = true
		return nil
	case err != nil || !regular || !slices.Contains(sums, sum):
		p.env.Log.Warn("gone from the sources, but somebody has changed it and so it stays", "path", p.at(file))
		return nil
	}
	if err := p.env.Do(ctx, "remove", p.at(file), func() error { return dirfd.Remove(dir, name, false) }); err != nil {
		return explain(err)
	}
	p.removed[file] = true
	p.counts.add(removed)
	return nil
}

// removeDir removes a directory if nothing is in it.
func (p *pruner) removeDir(ctx context.Context, dir string) error {
	fd, err := p.open(dir)
	if fd < 0 {
		return err
	}
	defer unix.Close(fd)
	names, err := dirfd.Names(fd)
	if err != nil {
		return explain(fmt.Errorf("list %s: %w", p.at(dir), err))
	}
	if slices.ContainsFunc(names, func(name string) bool { return !p.removed[dir+"/"+name] }) {
		return nil
	}
	parent, err := p.open(path.Dir(dir))
	if parent < 0 {
		return err
	}
	defer unix.Close(parent)
	err = p.env.Do(ctx, "remove", p.at(dir)+"/", func() error { return dirfd.Remove(parent, path.Base(dir), true) })
	if err != nil {
		return explain(err)
	}
	p.removed[dir] = true
	return nil
}

func (p *pruner) at(path string) string { return shown(join(p.dst.path, path)) }
