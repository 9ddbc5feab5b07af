package mount

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/initbox/initbox/internal/fault"
)

// volume creates a volume as kubelet does, with the version ..v1, and ..v2 next
// to it.
func volume(t *testing.T) string {
	dir := t.TempDir() + "/volume"
	plant(t, dir, map[string]string{
		"..v1/cert": "one", "..v1/key": "one", "..v1/sub/deep": "one", "..v2/cert": "two", "..v2/key": "two", "..v2/sub/deep": "two",
		"..data": "-> ..v1", "cert": "-> ..data/cert", "key": "-> ..data/key", "sub": "-> ..data/sub",
	})
	if err := os.Chmod(dir+"/..v1/cert", 0o640); err != nil {
		t.Fatal(err)
	}
	return dir
}

// swap moves the link to ..v2. With remove, it also removes ..v1, as kubelet
// does soon after.
func swap(t *testing.T, dir string, remove bool) {
	t.Helper()
	err := errors.Join(os.Symlink("..v2", dir+"/..data_tmp"), os.Rename(dir+"/..data_tmp", dir+"/..data"))
	if remove {
		err = errors.Join(err, os.RemoveAll(dir+"/..v1"))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// pair reads two files that belong together and calls between in between.
func pair(r *Reader, dir string, between func()) (string, error) {
	cert, err := r.Read(dir+"/cert", 100)
	if err != nil {
		return "", err
	}
	between()
	key, err := r.Read(dir+"/key", 100)
	if err != nil {
		return "", err
	}
	deep, err := r.Read(dir+"/sub/deep", 100)
	if err != nil {
		return "", err
	}
	return string(cert.Data) + " " + string(key.Data) + " " + string(deep.Data), nil
}

func TestReadsOneVersion(t *testing.T) {
	dir := volume(t)
	var r Reader
	defer r.Close()
	if f, err := r.Read(dir+"/cert", 100); err != nil || f.Mode != 0o640 || f.UID != uint32(os.Getuid()) {
		t.Fatalf("%+v, %v", f, err)
	}
	if got, err := pair(&r, dir, func() { swap(t, dir, false) }); got != "one one one" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
	if err := r.Current(); !errors.Is(err, ErrChanged) {
		t.Errorf("the link has moved: %v", err)
	}
	r.Close()
	if got, err := pair(&r, dir, func() {}); got != "two two two" || err != nil {
		t.Errorf("after Close: %q, %v", got, err)
	}
}

// Kubelet removes the version between the two reads: the first read is
// discarded.
func TestStartsOver(t *testing.T) {
	dir, calls := volume(t), 0
	for swallowed := range 2 { // whether the caller swallows the error
		got := ""
		err := OneVersion(t.Context(), func(r *Reader) (err error) {
			calls++
			got, err = pair(r, dir, func() {
				if calls == 1 {
					swap(t, dir, true)
				}
			})
			if swallowed == 1 {
				return nil
			}
			return err
		})
		if got != "two two two" || err != nil || calls != 2 {
			t.Errorf("%q after %d calls, %v", got, calls, err)
		}
		dir, calls = volume(t), 0
	}
}

func TestEndsAtLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		err := OneVersion(t.Context(), func(*Reader) error {
			calls++
			return fmt.Errorf("a file: %w", ErrChanged)
		})
		if !errors.Is(err, ErrChanged) || fault.NextOf(err) == "" || calls != attempts {
			t.Errorf("%v after %d calls", err, calls)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	err := OneVersion(ctx, func(*Reader) error {
		cancel()
		return ErrChanged
	})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A library reads the paths itself.
func TestNote(t *testing.T) {
	dir := volume(t)
	var r Reader
	defer r.Close()
	if err := errors.Join(r.Note(dir+"/cert"), r.Note("/nosuch"), r.Current()); err != nil {
		t.Fatal(err)
	}
	swap(t, dir, true)
	if err := r.Current(); !errors.Is(err, ErrChanged) {
		t.Error(err)
	}
}

// A file next to the volume's own, as a subPath creates it, and a directory
// that is not a volume, whose links may lead anywhere.
func TestReadsOtherFiles(t *testing.T) {
	dir, plain := volume(t), t.TempDir()
	plant(t, dir, map[string]string{"beside": "x"})
	plant(t, plain, map[string]string{"link": "-> " + dir + "/beside"})
	var r Reader
	defer r.Close()
	for _, p := range []string{dir + "/beside", plain + "/link"} {
		if f, err := r.Read(p, 100); err != nil || string(f.Data) != "x" {
			t.Errorf("%s: %+v, %v", p, f, err)
		}
	}
}

// Each fault has one wording and one next step, in a volume and elsewhere.
func TestRefuses(t *testing.T) {
	dir := volume(t)
	plant(t, dir, map[string]string{"..v1/large": "12345", "..v1/out": "-> /etc/passwd", "..v1/lost": "-> nowhere", "plain/large": "12345", "plain/sub/x": "", "plain/lost": "-> nowhere"})
	if err := errors.Join(syscall.Mkfifo(dir+"/..v1/fifo", 0o600), syscall.Mkfifo(dir+"/plain/fifo", 0o600)); err != nil {
		t.Fatal(err)
	}
	var r Reader
	defer r.Close()
	for name, want := range map[string]string{
		"fifo": "it is not a regular file", "sub": "it is a directory", "large": "it is larger than 4 bytes", "none": "there is no such file or directory",
		"plain/fifo": "it is not a regular file", "plain/sub": "it is a directory", "plain/large": "it is larger than 4 bytes", "plain/none": "there is no such file or directory",
		"plain/lost": "it is a link that leads nowhere", "out": "the link leads outside of the source, or is absolute",
	} {
		_, err := r.Read(filepath.Join(dir, name), 4)
		if err == nil || err.Error() != want || fault.NextOf(err) == "" || strings.HasSuffix(want, "directory") && strings.HasPrefix(want, "there") != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	if _, err := r.Read(dir+"/large", 4); !errors.As(err, new(*TooLarge)) {
		t.Errorf("got %v", err)
	}
}

// A walk sees one version of the volume, although kubelet swaps it in the
// middle. A listing cannot know whether the old version is still complete then.
func TestSwapInTheMiddleOfAWalk(t *testing.T) {
	for _, remove := range []bool{false, true} {
		for _, within := range []string{"", "/.."} { // the volume itself, and a tree that contains it
			dir, swapped := volume(t), false
			var got []string
			err := OneVersion(t.Context(), func(r *Reader) error {
				top, _, err := r.Open(dir + within)
				if err != nil {
					return err
				}
				got = nil
				return walk(top, func(path, content string) {
					got = append(got, strings.TrimPrefix(path, dir)+"="+content)
					if !swapped {
						swapped = true
						swap(t, dir, remove)
					}
				})
			})
			if want := "[/cert=two /key=two /sub/deep=two]"; fmt.Sprint(got) != want || err != nil {
				t.Errorf("removed %v: %v, %v, want %s", remove, got, err, want)
			}
		}
	}
}

// walk visits the files beneath d.
func walk(d *Dir, visit func(path, content string)) error {
	from, entries, err := d.List(make([]byte, 4096))
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Dir {
			err = walk(from.Sub(e.Name, e.Link), visit)
		} else {
			var f *File
			if f, err = from.Read(e.Name, 100); err == nil {
				visit(from.Path(e.Name), string(f.Data))
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func TestListOfOneDirectory(t *testing.T) {
	dir := volume(t)
	var r Reader
	defer r.Close()
	from, entries, err := r.List(dir)
	if err != nil || len(entries) != 3 || entries[0].Name != "cert" || !entries[2].Dir || from.Path("cert") != dir+"/cert" {
		t.Errorf("got %+v, %v", entries, err)
	}
	if _, _, err := r.List(dir + "/cert"); err == nil || err.Error() != "it is not a directory" || fault.NextOf(err) == "" {
		t.Errorf("got %v", err)
	}
	swap(t, dir, true) // now the version is empty
	if _, _, err := r.List(dir); !errors.Is(err, ErrChanged) {
		t.Errorf("got %v", err)
	}
}
