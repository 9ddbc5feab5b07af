package copyconfig

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/atomicfile"
	"github.com/initbox/initbox/internal/files/dirfd"
	"github.com/initbox/initbox/internal/files/filecopy"
	"github.com/initbox/initbox/internal/files/mount"
)

// A pending file has its content, owner and mode, but not yet its name.
type pending struct {
	file *file
	temp *atomicfile.Temp
	fate fate
	size int64
}

// files brings files of one directory to their places.
func (pl *place) files(ctx context.Context, w *scratch, files []*file) error {
	dirs := make(openDirs)
	defer dirs.close()
	var ready []pending
	defer func() {
		for _, r := range ready {
			_ = r.temp.Discard(nil)
		}
	}()
	commit := func() error {
		for len(ready) > 0 {
			r := ready[0]
			err := pl.record(ctx, r.file, r.fate, func() error { return r.temp.Commit(r.file.name, pl.sync) })
			if err != nil {
				return err
			}
			ready = ready[1:]
		}
		return nil
	}
	size := int64(0)
	for _, f := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		next, err := pl.file(ctx, w, dirs, f)
		if err != nil {
			return err
		}
		if next.temp == nil {
			continue
		}
		// Old and new files take space together until the new ones get their names.
		ready, size = append(ready, next), size+next.size
		if size >= batchBytes {
			size = 0
			if err := commit(); err != nil {
				return err
			}
		}
	}
	return commit()
}

// batchBytes is how much is written before it gets its names.
const batchBytes = 4 << 20

// file finds out what is to be done about f, and does it or prepares it.
func (pl *place) file(ctx context.Context, w *scratch, dirs openDirs, f *file) (none pending, err error) {
	p := pl.p
	if f.known && !p.staging && (f.fate == unchanged || f.fate == kept) {
		p.counts.add(f.fate)
		return none, nil
	}
	if p.IfAbsent && f.exists {
		pl.noteFate(f, kept)
		return none, nil
	}
	in, err := pl.read(ctx, w, dirs, f)
	if err != nil {
		return none, explainSource(fmt.Errorf("read %s: %w", f.source(), err))
	}
	defer in.close()
	fate, err := pl.fateOf(ctx, w, f, in)
	if err != nil {
		return none, err
	}
	if p.hash && fate != unchanged {
		if err := in.checkDigest(ctx, w, f); err != nil {
			return none, explainSource(fmt.Errorf("read %s: %w", f.source(), err))
		}
	}
	switch {
	case p.compare || fate == unchanged:
		pl.noteFate(f, fate)
		return none, nil
	case p.env.DryRun:
		return none, pl.record(ctx, f, fate, nil)
	case p.InPlace && f.exists:
		return none, pl.record(ctx, f, fate, func() error { return pl.overwrite(ctx, w, f, in) })
	}
	temp, err := pl.stage(ctx, w, f, in)
	if err != nil {
		return none, explain(fmt.Errorf("%s %s: %w", verbs[fate], p.under(pl.node, f.name), err))
	}
	return pending{f, temp, fate, in.size()}, nil
}

var verbs = map[fate]string{created: "create", updated: "update"}

// noteFate notes a fate that takes no further work.
func (pl *place) noteFate(f *file, fate fate) {
	f.fate, f.known = fate, true
	if pl.p.compare && (fate == created || fate == updated) {
		pl.p.changes.Add(1)
	}
	if !pl.p.staging && (!pl.p.compare || pl.p.AtomicDir) {
		pl.p.counts.add(fate)
	}
}

// record makes a change and counts it.
func (pl *place) record(ctx context.Context, f *file, fate fate, change func() error) error {
	err := pl.p.do(ctx, verbs[fate], pl.p.under(pl.node, f.name), change)
	if err != nil {
		return explain(err)
	}
	pl.dirty.Store(true)
	if !pl.p.staging {
		pl.p.counts.add(fate)
	}
	return nil
}

// read opens the source of f. A small file is read at once, into the first half
// of w.data.
func (pl *place) read(ctx context.Context, w *scratch, dirs openDirs, f *file) (*content, error) {
	if f.content != nil {
		return f.content, nil
	}
	in := new(content)
	var err error
	if in.fd, err = dirs.openFile(f, &in.st); err != nil {
		return nil, err
	}
	if in.st.Size >= half {
		return in, nil
	}
	defer func() {
		unix.Close(in.fd)
		in.fd = -1
	}()
	if in.st.Size == 0 {
		in.data, err = readSizeless(ctx, in.fd, &in.st, w.data[:half])
		return in, err
	}
	// One byte more than the size tells that it is growing.
	n, err := filecopy.ReadAtLeast(in.fd, w.data[:in.st.Size+1], 0, int(in.st.Size))
	if err == nil && int64(n) != in.st.Size {
		err = mount.ErrChanged
	}
	in.data = w.data[:n]
	return in, err
}

// readSizeless reads a file that is empty, or of procfs or the like, which has no
// size beforehand. buf takes what fits.
func readSizeless(ctx context.Context, fd int, st *unix.Stat_t, buf []byte) ([]byte, error) {
	n, err := filecopy.ReadAt(fd, buf, 0)
	if err != nil || n < len(buf) {
		return buf[:n], err
	}
	data, err := filecopy.ReadAll(ctx, fd, 0, defaultMemory)
	if err == unix.EFBIG {
		err = fmt.Errorf("it has no size, and more than %d MiB: %w", defaultMemory>>20, err)
	}
	if same, statErr := filecopy.Unchanged(fd, st); statErr != nil || !same {
		err = errors.Join(mount.ErrChanged, statErr)
	}
	return data, err
}

// fateOf compares f with what is in its place.
func (pl *place) fateOf(ctx context.Context, w *scratch, f *file, in *content) (fate, error) {
	if !f.exists || pl.fd < 0 || pl.p.staging {
		return created, nil
	}
	if f.known {
		return f.fate, nil
	}
	var st unix.Stat_t
	fd, err := pl.openPresent(f, &st)
	if fd >= 0 {
		defer unix.Close(fd)
	}
	switch {
	case dirfd.IsGone(err):
		f.exists = false
		return created, nil
	case err != nil:
		return 0, explain(fmt.Errorf("look at %s: %w", pl.p.under(pl.node, f.name), err))
	case st.Mode&unix.S_IFMT == unix.S_IFDIR:
		return 0, explain(fmt.Errorf("%s: %w", pl.p.under(pl.node, f.name), unix.EISDIR))
	case st.Mode&unix.S_IFMT != unix.S_IFREG, st.Size != in.size(),
		st.Mode&0o7777 != pl.mode(f, in), !pl.p.owner.Matches(st.Uid, st.Gid),
		fd < 0: // it cannot be read, so it will be replaced
		return updated, nil
	}
	switch same, err := pl.same(ctx, w, fd, in); {
	case err != nil:
		return 0, explain(fmt.Errorf("compare %s: %w", pl.p.under(pl.node, f.name), err))
	case same:
		return unchanged, nil
	}
	return updated, nil
}

func (pl *place) mode(f *file, in *content) uint32 {
	return pl.p.conf.fileMode(func() string { return f.sourceRel(pl.node) }, in.st.Mode)
}

// openPresent describes what is in the place of f, and opens it if it may be a regular
// file that we can read. What was one when the directory was listed is opened at
// once, and looked at then: that costs less than a look at its name before.
func (pl *place) openPresent(f *file, st *unix.Stat_t) (fd int, err error) {
	open := func() bool {
		fd, err = dirfd.Open(pl.fd, f.name, unix.O_RDONLY|unix.O_NOFOLLOW, 0)
		return err == nil
	}
	if f.plain && open() {
		return fd, dirfd.Fstat(fd, st)
	}
	if err := dirfd.Stat(pl.fd, f.name, st); err != nil {
		return -1, err
	}
	if st.Mode&unix.S_IFMT == unix.S_IFREG && open() {
		return fd, dirfd.Fstat(fd, st) // somebody may have been faster
	}
	return -1, nil
}

// same reports whether the contents of fd and in are the same.
func (pl *place) same(ctx context.Context, w *scratch, fd int, in *content) (bool, error) {
	if in.data == nil {
		return filecopy.Equal(ctx, in.fd, fd, in.st.Size, w.data)
	}
	for done := 0; done < len(in.data); {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		part := in.data[done:min(done+half, len(in.data))]
		n, err := filecopy.ReadAt(fd, w.data[half:half+len(part)], int64(done))
		if err != nil || !bytes.Equal(part, w.data[half:half+n]) {
			return false, err
		}
		done += n
	}
	return true, nil
}

// stage writes f under a temporary name.
func (pl *place) stage(ctx context.Context, w *scratch, f *file, in *content) (*atomicfile.Temp, error) {
	temp, err := atomicfile.Create(pl.fd)
	if err != nil {
		return nil, err
	}
	if err := pl.fill(ctx, w, temp.FD, in, true); err != nil {
		return nil, temp.Discard(err)
	}
	if err := temp.Finish(pl.p.attributes(pl.mode(f, in))); err != nil {
		return nil, temp.Discard(err)
	}
	if pl.sync {
		_ = unix.SyncFileRange(temp.FD, 0, 0, unix.SYNC_FILE_RANGE_WRITE) // begin; Commit waits for it
	}
	return temp, nil
}

// fill writes in to fd, which is empty or no larger. Holes are only skipped where
// it is empty.
func (pl *place) fill(ctx context.Context, w *scratch, fd int, in *content, empty bool) error {
	if in.data != nil {
		return filecopy.WriteAt(fd, in.data, 0)
	}
	n, err := filecopy.Copy(ctx, fd, in.fd, in.st.Size, empty && filecopy.IsSparse(&in.st), pl.sync, w.data)
	if err != nil {
		return err
	}
	same, err := filecopy.Unchanged(in.fd, &in.st)
	if err == nil && (!same || n < in.st.Size) {
		err = mount.ErrChanged
	}
	return err
}

// A digest is the SHA-256 of a content.
type digest [sha256.Size]byte

// checkDigest notes the digest of in, or finds that it is not the one noted: then the
// manifest would be wrong about what is written.
func (in *content) checkDigest(ctx context.Context, w *scratch, f *file) error {
	var sum digest
	var err error
	if in.data != nil {
		sum = sha256.Sum256(in.data)
	} else {
		sum, err = digestOf(ctx, in.fd, w.data)
	}
	switch {
	case err != nil:
		return err
	case f.hash == nil:
		f.hash = &sum
	case *f.hash != sum:
		return mount.ErrChanged
	}
	return nil
}

// digestOf returns the digest of what fd has.
func digestOf(ctx context.Context, fd int, buf []byte) (digest, error) {
	h := sha256.New()
	for off := int64(0); ; {
		if err := ctx.Err(); err != nil {
			return digest{}, err
		}
		n, err := filecopy.ReadAt(fd, buf, off)
		if err != nil {
			return digest{}, err
		}
		if n == 0 {
			return digest(h.Sum(nil)), nil
		}
		h.Write(buf[:n])
		off += int64(n)
	}
}
