package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/initbox/initbox/internal/files/dirfd"
)

// ErrChanged says that what was being read is gone or another by now, as when
// kubelet brings a new version of a ConfigMap: start over.
var ErrChanged = errors.New("it changed while it was read")

const dataLink = "..data"

// A Set is what was opened for one run. Its methods and those of its directories
// may be called from several goroutines.
type Set struct {
	mu     sync.Mutex
	roots  []*root
	byPath map[string]*root
}

// A root is an opened directory, beneath which links are followed.
type root struct {
	files  *os.Root
	fd     int
	live   bool     // a version of a volume of kubelet
	outer  *os.Root // where the link to the version is, if live
	link   string   // the path of that link beneath outer
	owned  bool     // outer is closed with this root
	origin string   // the path that the user knows it under
	file   string   // if the user named a link to a file: what the only file is called here
	info   fs.FileInfo
}

// Open opens path, a file or a directory. Links in path itself are followed: it
// is what the user wrote. name is "" for a directory; for a file, dir is the
// directory that it is in.
func (s *Set) Open(path string) (dir *Dir, name string, err error) {
	path = filepath.Clean(path)
	r, rest, err := s.volume(path)
	if r == nil && err == nil {
		r, rest, err = s.plain(path)
	}
	if err != nil {
		return nil, "", err
	}
	dir = &Dir{set: s, root: r}
	info, err := r.files.Stat(rest)
	if err != nil {
		return nil, "", outside(r.explain(err))
	}
	parts := strings.Split(rest, "/")
	if rest == "." {
		parts = nil
	} else if !info.IsDir() {
		name, parts = parts[len(parts)-1], parts[:len(parts)-1]
	}
	if r.file != "" {
		name = filepath.Base(path)
	}
	for _, part := range parts {
		dir = dir.Sub(part, true)
	}
	return dir, name, nil
}

// volume opens the volume of kubelet that path is or is in; nil if there is none.
func (s *Set) volume(path string) (*root, string, error) {
	for at := path; ; at = filepath.Dir(at) {
		if info, err := os.Lstat(filepath.Join(at, dataLink)); err == nil && info.Mode()&fs.ModeSymlink != 0 {
			rest, err := filepath.Rel(at, path)
			if err != nil {
				return nil, "", err
			}
			rest = strings.TrimPrefix(strings.TrimPrefix(rest, dataLink), "/")
			if strings.HasPrefix(rest, "..") {
				return nil, "", nil // one version, named on purpose
			}
			if beside(at, path) {
				return nil, "", nil
			}
			r, err := s.open(filepath.Join(at, dataLink), func() (*root, error) { return openVolume(at) })
			return r, filepath.Clean(rest), err
		}
		if at == filepath.Dir(at) || filepath.Base(at) == ".." {
			return nil, "", nil
		}
	}
}

// beside reports whether path is in the volume at, but not by way of its link: a
// file that somebody put there, or a mount.
func beside(at, path string) bool {
	rest, err := filepath.Rel(at, path)
	if err != nil || rest == "." {
		return false
	}
	first, _, _ := strings.Cut(rest, "/")
	if first == dataLink {
		return false
	}
	info, err := os.Lstat(filepath.Join(at, first))
	if err != nil {
		return false // not linked yet, or no more
	}
	if info.Mode()&fs.ModeSymlink == 0 {
		return true
	}
	target, err := os.Readlink(filepath.Join(at, first))
	return err == nil && target != dataLink && !strings.HasPrefix(target, dataLink+"/")
}

func openVolume(path string) (*root, error) {
	outer, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	r, err := openLive(outer, dataLink, path)
	if err != nil {
		outer.Close()
		return nil, err
	}
	r.owned = true
	return r, nil
}

// plain opens path, or for a file the directory that it is in: if path is a link
// to a file, the one where that is.
func (s *Set) plain(path string) (*root, string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, "", err
	}
	at, origin, rest, file := path, path, ".", ""
	if !info.IsDir() {
		if info, err = os.Lstat(path); err != nil {
			return nil, "", err
		}
		real := path
		if info.Mode()&fs.ModeSymlink != 0 {
			if real, err = filepath.EvalSymlinks(path); err != nil {
				return nil, "", err
			}
			file = filepath.Base(real)
		}
		at, origin, rest = filepath.Dir(real), filepath.Dir(path), filepath.Base(real)
	}
	key := at
	if file != "" {
		key = path
	}
	r, err := s.open(key, func() (*root, error) {
		files, err := os.OpenRoot(at)
		if err != nil {
			return nil, err
		}
		r, err := newRoot(files, origin)
		if err == nil {
			r.file = file
		}
		return r, err
	})
	return r, rest, err
}

// open returns the root called key, so that all arguments that are in one volume
// read one version.
func (s *Set) open(key string, open func() (*root, error)) (*root, error) {
	if r := s.byPath[key]; r != nil {
		return r, nil
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	if s.byPath == nil {
		s.byPath = make(map[string]*root)
	}
	s.byPath[key] = r
	s.add(r)
	return r, nil
}

func (s *Set) add(r *root) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.roots = append(s.roots, r)
}

// openLive opens the version that link beneath outer leads to.
func openLive(outer *os.Root, link, origin string) (*root, error) {
	files, err := outer.OpenRoot(link)
	if err != nil {
		if dirfd.IsGone(err) {
			err = fmt.Errorf("%w: %w", ErrChanged, err)
		}
		return nil, err
	}
	r, err := newRoot(files, origin)
	if err != nil {
		return nil, err
	}
	r.live, r.outer, r.link = true, outer, link
	return r, nil
}

func newRoot(files *os.Root, origin string) (*root, error) {
	f, err := files.Open(".")
	if err != nil {
		files.Close()
		return nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		files.Close()
		return nil, err
	}
	fd, err := dirfd.Dup(f)
	if err != nil {
		files.Close()
		return nil, err
	}
	return &root{files: files, fd: fd, info: info, origin: origin}, nil
}

// Current returns an error that is ErrChanged if a volume has another version by
// now. What was read before is whole otherwise.
func (s *Set) Current() error {
	for _, r := range s.roots {
		if !r.live {
			continue
		}
		now, err := r.outer.Stat(r.link)
		if err != nil {
			return r.explain(err)
		}
		if !os.SameFile(now, r.info) {
			return ErrChanged
		}
	}
	return nil
}

// explain adds ErrChanged to err where that is what it means.
func (r *root) explain(err error) error {
	if r.live && dirfd.IsGone(err) {
		if now, statErr := r.outer.Stat(r.link); statErr != nil || !os.SameFile(now, r.info) {
			return fmt.Errorf("%w: %w", ErrChanged, err)
		}
	}
	return err
}

// Close closes all that was opened.
func (s *Set) Close() {
	for _, r := range s.roots {
		r.files.Close()
		unix.Close(r.fd)
		if r.owned {
			r.outer.Close()
		}
	}
	s.roots, s.byPath = nil, nil
}
