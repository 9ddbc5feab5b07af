// Package snapshot reads files of a mounted Secret or ConfigMap as they were at
// one moment. Kubelet swaps the link ..data when the object changes, so a
// certificate read before and a key read after would not belong together.
package snapshot

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/initbox/initbox/internal/fault"
)

// A Reader reads files; of each mount it sees one version. Close it after use.
// The zero value is ready.
type Reader struct{ mounts map[string]*os.Root }

// A File is the content of a file and who may use it.
type File struct {
	Data []byte
	Mode fs.FileMode
	UID  uint32
}

// ErrTooLarge is the error for a file larger than what was allowed.
var ErrTooLarge = errors.New("it is too large")

const data = "..data"

// Close releases the mounts.
func (r *Reader) Close() {
	for _, m := range r.mounts {
		if m != nil {
			m.Close()
		}
	}
	r.mounts = nil
}

// mount returns the present version of the mount dir, or nil if dir is none.
func (r *Reader) mount(dir string) *os.Root {
	dir = filepath.Clean(dir)
	if m, ok := r.mounts[dir]; ok {
		return m
	}
	if r.mounts == nil {
		r.mounts = make(map[string]*os.Root)
	}
	r.mounts[dir] = nil
	if info, err := os.Lstat(filepath.Join(dir, data)); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return nil
	}
	if m, err := os.OpenRoot(filepath.Join(dir, data)); err == nil {
		r.mounts[dir] = m
	}
	return r.mounts[dir]
}

// Read returns the file at path, of at most most bytes. Only regular files are
// read, since any other may block for ever.
func (r *Reader) Read(path string, most int64) (*File, error) {
	f, err := r.open(path)
	if err != nil {
		return nil, reason(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, reason(err)
	}
	switch {
	case info.IsDir():
		return nil, errors.New("it is a directory")
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file")
	case info.Size() > most:
		return nil, fmt.Errorf("%w: %d bytes; at most %d are read", ErrTooLarge, info.Size(), most)
	}
	content := make([]byte, 0, info.Size()+1)
	content, err = readAll(io.LimitReader(f, most+1), content)
	switch {
	case err != nil:
		return nil, reason(err)
	case int64(len(content)) > most:
		return nil, fmt.Errorf("%w: at most %d bytes are read", ErrTooLarge, most)
	}
	out := &File{Data: content, Mode: info.Mode().Perm()}
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		out.UID = st.Uid
	}
	return out, nil
}

// readAll is io.ReadAll into a buffer of the right size.
func readAll(r io.Reader, b []byte) ([]byte, error) {
	for {
		if len(b) == cap(b) {
			b = slices.Grow(b, 4096)
		}
		n, err := r.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

func (r *Reader) open(path string) (*os.File, error) {
	const flags = os.O_RDONLY | syscall.O_NONBLOCK
	if m := r.mount(filepath.Dir(path)); m != nil {
		f, err := m.OpenFile(filepath.Base(path), flags, 0)
		if !errors.Is(err, fs.ErrNotExist) {
			return f, err
		}
		if _, err := os.Lstat(path); err != nil { // not a file beside the mount's own
			return nil, err
		}
	}
	return os.OpenFile(path, flags, 0)
}

// List returns the paths of the files in dir, sorted, without those whose name
// begins with a dot and without the links by which OpenSSL finds a CA.
func (r *Reader) List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, reason(err)
	}
	var paths []string
	for _, e := range entries {
		if e.IsDir() || e.Name()[0] == '.' || e.Type()&fs.ModeSymlink != 0 && hashLink(e.Name()) {
			continue
		}
		paths = append(paths, filepath.Join(dir, e.Name()))
	}
	return paths, nil
}

// hashLink reports whether name is that of a link made by openssl rehash:
// 8 hex digits, a dot, a number.
func hashLink(name string) bool {
	ok, _ := filepath.Match("[0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f][0-9a-f].[0-9]", name)
	return ok
}

// reason is the system's part of err, in words that say what to look at.
func reason(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &explained{"there is no such file", err}
	case errors.Is(err, fs.ErrPermission):
		return fault.WithNext(&explained{fmt.Sprintf("UID %d may not read it", os.Getuid()), err}, "check securityContext.fsGroup and the volume's defaultMode")
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

type explained struct {
	text  string
	cause error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.cause }
