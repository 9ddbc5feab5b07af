// Package mount reads what is mounted into a pod, above all the volumes that
// kubelet changes while the pod runs: ConfigMap, Secret, projected, downward API.
//
// Such a volume is a directory with the link ..data, which leads to the
// directory of the present version beside it. Kubelet writes a new version, moves
// the link and then removes the old version. A [Reader] opens each volume once,
// through that link, and reads all that it reads of it from there, so a
// certificate and its key are of one version. If the version is removed before
// all was read, [OneVersion] starts over with the next.
//
// What is in no such volume (an emptyDir, a subPath, the image) is read as it is.
// Only regular files are read, since any other may block for ever, and only up to
// a limit. Names that begin with two dots are passed over: they are kubelet's.
//
// An error of a user's file says what is wrong in words and, where it can, what to
// try next. It never has the path, which the caller knows as the user wrote it.
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

// attempts bounds how often OneVersion starts over.
const attempts = 100

// OneVersion calls read with a Reader, again and again until nothing that was
// read has changed meanwhile: neither read reports [ErrChanged] nor the Reader has
// seen it. Each call must begin anew.
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
// zero value is ready. Its methods are for one goroutine, those of its
// directories for several. Close it after use.
type Reader struct {
	volumes map[string]*root // by path; nil for a directory that is none
	changed atomic.Bool      // a version was removed before it was read

	mu    sync.Mutex
	roots []*root
}

// Close closes all that was opened.
func (r *Reader) Close() {
	for _, root := range r.roots {
		root.close()
	}
	r.roots, r.volumes = nil, nil
}

// Current returns ErrChanged if a volume that r has opened has another version
// by now. Who reads by paths of his own asks after it: see [Reader.Note].
func (r *Reader) Current() error {
	for _, root := range r.roots {
		if root.replaced() {
			r.changed.Store(true)
			return ErrChanged
		}
	}
	return nil
}

// Note opens the volume that path is in, if any, for a library that reads path
// itself: if [Reader.Current] is nil afterwards, all it read is of one version.
func (r *Reader) Note(path string) error {
	path = filepath.Clean(path)
	_, _, err := r.find(path, path)
	return err
}

// find returns the volume that path is in, which is at or above the directory at,
// in its present version, and where path is in there; nil if it is in none.
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

// volume returns the present version of the volume dir, or nil if it is none.
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

// within returns where path is in the present version of the volume. ok is false
// for what lies in the volume's directory but does not belong to the version: a
// file that somebody put there, a mount, or an old version named on purpose.
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
	if errors.Is(err, fs.ErrNotExist) { // not linked yet, or no more
		return rest, true
	}
	return rest, err == nil && strings.HasPrefix(target+"/", dataLink+"/")
}
