// Package mount reads the files that are mounted into a pod, above all from the
// volumes that kubelet changes while the pod runs: ConfigMap, Secret, projected
// and downward API volumes.
//
// Such a volume is a directory with the link ..data, which leads to the
// directory of the current version next to it. Kubelet writes a new version,
// moves the link and then removes the old version. A [Reader] opens each volume
// once, through that link, and reads everything from that version, so a
// certificate and its key always belong together. If kubelet removes the
// version too early, [OneVersion] starts over with the next one.
//
// Files outside such a volume (in an emptyDir, a subPath, the image) are read
// as they are. The package reads only regular files, because any other kind may
// block forever, and only up to a size limit. It skips names that begin with
// two dots: they are kubelet's.
//
// An error about a user's file says in words what is wrong and, where possible,
// what to try next. It never contains the path: the caller knows the path as
// the user wrote it.
package mount

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/initbox/initbox/internal/fault"
)

// attempts is how often OneVersion tries.
const attempts = 100

// OneVersion calls read with a new Reader until nothing has changed during the
// call: read does not return [ErrChanged], and the Reader has not seen a change.
// Each call of read must start from scratch. OneVersion gives up after 100 calls,
// with the last error, or when ctx is done, with the error of ctx.
func OneVersion(ctx context.Context, read func(*Reader) error) error {
	for n := 1; ; n++ {
		r := new(Reader)
		err := read(r)
		r.Close()
		switch {
		case !errors.Is(err, ErrChanged) && !r.changed.Load():
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case n == attempts:
			return fault.WithNext(cmp.Or(err, ErrChanged), nextChanged)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Duration(n) * time.Millisecond):
		}
	}
}

// A Reader reads files and directories; of each volume it sees one version. The
// zero value is ready to use. Its own methods are for one goroutine, those of
// its directories for several. Close it after use.
type Reader struct {
	volumes map[string]*root // by path; nil for a directory that is not a volume
	changed atomic.Bool      // a version was removed before all of it was read

	mu    sync.Mutex
	roots []*root
}

// Close closes everything that r has opened.
func (r *Reader) Close() {
	for _, root := range r.roots {
		root.close()
	}
	r.roots, r.volumes = nil, nil
}

// Current returns ErrChanged if a volume that r has opened now has another
// version. Callers that read by path themselves need it: see [Reader.Note].
func (r *Reader) Current() error {
	for _, root := range r.roots {
		if root.replaced() {
			r.changed.Store(true)
			return ErrChanged
		}
	}
	return nil
}

// Note opens the volume that contains path, if there is one, for a library that
// reads path itself. If [Reader.Current] returns nil afterwards, everything
// that the library has read is of one version.
func (r *Reader) Note(path string) error {
	path = filepath.Clean(path)
	_, _, err := r.find(path, path)
	return err
}

// find returns the current version of the volume that contains path, and the
// location of path within it. It looks for the volume at the directory at and
// above. It returns nil if path is in no volume.
func (r *Reader) find(at, path string) (*root, string, error) {
	for ; ; at = filepath.Dir(at) {
		volume, err := r.volume(at)
		if volume != nil {
			if rest, ok := within(at, path); ok {
				return volume, rest, nil
			}
		}
		if err != nil || volume != nil || at == filepath.Dir(at) || filepath.Base(at) == ".." {
			return nil, "", err
		}
	}
}

// volume returns the current version of the volume dir, or nil if dir is not a
// volume.
func (r *Reader) volume(dir string) (*root, error) {
	if known, ok := r.volumes[dir]; ok {
		return known, nil
	}
	var volume *root
	if _, err := os.Readlink(filepath.Join(dir, dataLink)); err == nil {
		outer, err := os.OpenRoot(dir)
		if err != nil {
			return nil, explain(err)
		}
		if volume, err = r.openVersion(outer, dir); err != nil {
			return nil, err
		}
	}
	if r.volumes == nil {
		r.volumes = make(map[string]*root)
	}
	r.volumes[dir] = volume
	return volume, nil
}

// within returns the location of path in the current version of the volume. ok
// is false for what lies in the volume's directory but is not part of the
// version: a file that somebody else created, a mount, or an old version that
// was named on purpose.
func within(volume, path string) (rest string, ok bool) {
	rest, err := filepath.Rel(volume, path)
	first, below, _ := strings.Cut(rest, "/")
	switch {
	case err != nil:
		return "", false
	case rest == ".":
		return rest, true
	case first == dataLink:
		return filepath.Clean(below), true
	case strings.HasPrefix(first, ".."):
		return "", false
	}
	target, err := os.Readlink(filepath.Join(volume, first))
	if errors.Is(err, fs.ErrNotExist) { // not linked yet, or no longer
		return rest, true
	}
	return rest, err == nil && strings.HasPrefix(target+"/", dataLink+"/")
}
