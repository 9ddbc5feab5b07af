// Package filecopy moves and compares the contents of open files.
package filecopy

import (
	"context"
	"io"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// chunk is how much is copied between two looks at the context, and how much
// the disk may be behind: a cancelled copy must not wait for gigabytes.
const chunk = 4 << 20

// Copy copies the size bytes of the regular file src to dst, which is empty or
// will be overwritten from its start; holes stay holes as far as dst has nothing
// there. It returns how much it copied: less than size if src became shorter.
// buf is used where the kernel cannot copy by itself. With flush, what is copied
// goes to the disk meanwhile, so that a later fsync has little left to wait for.
func Copy(ctx context.Context, dst, src int, size int64, sparse, flush bool, buf []byte) (int64, error) {
	c := &copier{ctx: ctx, dst: dst, src: src, flush: flush, buf: buf}
	if !sparse {
		return c.copyRange(0, size)
	}
	return c.copyData(size)
}

type copier struct {
	ctx      context.Context
	dst, src int
	flush    bool
	plain    bool // the kernel cannot copy between these two
	buf      []byte
}

// copyData copies what is not a hole and gives dst its size.
func (c *copier) copyData(size int64) (int64, error) {
	for off := int64(0); off < size; {
		start, err := seek(c.src, off, unix.SEEK_DATA)
		if err == unix.ENXIO { // only a hole is left
			break
		}
		if err != nil {
			return c.copyRange(off, size)
		}
		end, err := seek(c.src, start, unix.SEEK_HOLE)
		if err != nil {
			return off, err
		}
		end = min(end, size)
		if n, err := c.copyRange(start, end); n < end || err != nil {
			return n, err
		}
		off = end
	}
	return size, dirfd.Truncate(c.dst, size)
}

// copyRange copies the bytes from off to end and returns the offset it came to.
func (c *copier) copyRange(off, end int64) (int64, error) {
	flushed := off
	for off < end {
		if err := c.ctx.Err(); err != nil {
			return off, err
		}
		n, err := c.copySome(off, min(end-off, chunk))
		if n == 0 || err != nil {
			return off, err
		}
		off += int64(n)
		if c.flush && off-flushed >= 2*chunk {
			// Begin with the newest part and wait for the one before it.
			_ = unix.SyncFileRange(c.dst, flushed+chunk, off-flushed-chunk, unix.SYNC_FILE_RANGE_WRITE)
			_ = unix.SyncFileRange(c.dst, flushed, chunk, syncAndWait)
			flushed += chunk
		}
	}
	return off, nil
}

const syncAndWait = unix.SYNC_FILE_RANGE_WAIT_BEFORE | unix.SYNC_FILE_RANGE_WRITE | unix.SYNC_FILE_RANGE_WAIT_AFTER

// copySome copies up to n bytes at off; 0 is the end of src.
func (c *copier) copySome(off, n int64) (int, error) {
	if !c.plain {
		from, to := off, off
		got, err := unix.CopyFileRange(c.src, &from, c.dst, &to, int(n), 0)
		switch err {
		case nil:
			if got > 0 {
				return got, nil
			}
			// The files of procfs and some FUSE file systems say so while they have content.
		case unix.EINTR:
			return c.copySome(off, n)
		case unix.EXDEV, unix.EINVAL, unix.ENOSYS, unix.EOPNOTSUPP, unix.EPERM, unix.EBADF, unix.EIO, unix.ETXTBSY:
			// Reading and writing will say what is really wrong, if anything is.
		default:
			return 0, err
		}
		c.plain = true
	}
	got, err := ReadAt(c.src, c.buf[:min(int64(len(c.buf)), n)], off)
	if got == 0 || err != nil {
		return 0, err
	}
	return got, WriteAt(c.dst, c.buf[:got], off)
}

// Equal reports whether the next size bytes of a and b are the same. It uses
// both halves of buf.
func Equal(ctx context.Context, a, b int, size int64, buf []byte) (bool, error) {
	half := len(buf) / 2
	for off := int64(0); off < size; {
		if err := ctx.Err(); err != nil {
			return false, err
		}
		want := min(int64(half), size-off)
		left, right := buf[:want], buf[half:half+int(want)]
		n, err := ReadAt(a, left, off)
		if err != nil {
			return false, err
		}
		m, err := ReadAt(b, right, off)
		if err != nil || n != m || n == 0 || string(left[:n]) != string(right[:n]) {
			return false, err
		}
		off += int64(n)
	}
	return true, nil
}

// ReadAt fills buf from offset off of fd, as far as there is something.
func ReadAt(fd int, buf []byte, off int64) (int, error) {
	return ReadAtLeast(fd, buf, off, len(buf))
}

// ReadAtLeast is ReadAt that may stop when least bytes are there: it does not
// ask for the end of a file whose size is known.
func ReadAtLeast(fd int, buf []byte, off int64, least int) (int, error) {
	done := 0
	for done < least {
		n, err := unix.Pread(fd, buf[done:], off+int64(done))
		if err == unix.EINTR {
			continue
		}
		if n <= 0 || err != nil {
			return done, err
		}
		done += n
	}
	return done, nil
}

// WriteAt writes all of data at offset off of fd.
func WriteAt(fd int, data []byte, off int64) error {
	for len(data) > 0 {
		n, err := unix.Pwrite(fd, data, off)
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return err
		case n == 0:
			return io.ErrShortWrite
		}
		data, off = data[n:], off+int64(n)
	}
	return nil
}

// ReadAll returns the content of fd from its start, at most limit bytes; more
// is an error of [unix.EFBIG].
func ReadAll(ctx context.Context, fd int, size, limit int64) ([]byte, error) {
	if size > limit {
		return nil, unix.EFBIG
	}
	data := make([]byte, 0, size+1) // one more byte sees the end
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		room := data[len(data):min(cap(data), len(data)+chunk)]
		n, err := ReadAt(fd, room, int64(len(data)))
		if err != nil {
			return nil, err
		}
		data = data[:len(data)+n]
		if int64(len(data)) > limit {
			return nil, unix.EFBIG
		}
		if n < len(room) {
			return data, nil
		}
	}
}

// IsSparse reports whether a file has holes.
func IsSparse(st *unix.Stat_t) bool { return st.Blocks*512 < st.Size }

// Unchanged reports whether the file fd is still as st says: neither written to
// nor resized since. Its links may have changed, as those of a Secret do when
// kubelet brings the next version.
func Unchanged(fd int, st *unix.Stat_t) (bool, error) {
	var now unix.Stat_t
	if err := dirfd.Fstat(fd, &now); err != nil {
		return false, err
	}
	return now.Size == st.Size && now.Mtim == st.Mtim, nil
}

func seek(fd int, off int64, whence int) (int64, error) {
	for {
		at, err := unix.Seek(fd, off, whence)
		if err != unix.EINTR {
			return at, err
		}
	}
}
