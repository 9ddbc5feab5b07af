package filecopy

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func file(t *testing.T, data []byte) *os.File {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	if _, err := f.Write(data); err != nil {
		t.Fatal(err)
	}
	return f
}

func content(t *testing.T, f *os.File) []byte {
	t.Helper()
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCopy(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 1_000_000) // more than a chunk
	for _, size := range []int{0, 1, 4096, len(data)} {
		for _, plain := range []bool{false, true} {
			for _, flush := range []bool{false, true} {
				src, dst := file(t, data[:size]), file(t, nil)
				c := &copier{ctx: t.Context(), src: int(src.Fd()), dst: int(dst.Fd()), flush: flush, plain: plain, buf: make([]byte, 1000)}
				if n, err := c.copyRange(0, int64(size)); err != nil || n != int64(size) || !bytes.Equal(content(t, dst), data[:size]) {
					t.Errorf("size %d, plain %v: copied %d: %v", size, plain, n, err)
				}
			}
		}
	}
	src, dst := file(t, data[:100]), file(t, nil)
	if n, err := Copy(t.Context(), int(dst.Fd()), int(src.Fd()), 200, false, false, make([]byte, 64)); n != 100 || err != nil {
		t.Errorf("a source that is shorter than it was: %d, %v", n, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Copy(ctx, int(dst.Fd()), int(src.Fd()), 100, false, false, make([]byte, 64)); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestCopyKeepsHoles(t *testing.T) {
	src, dst := file(t, nil), file(t, nil)
	const size = 64 << 20
	for _, off := range []int64{1 << 20, 40 << 20} {
		if _, err := src.WriteAt([]byte("data"), off); err != nil {
			t.Fatal(err)
		}
	}
	var st unix.Stat_t
	if err := errors.Join(src.Truncate(size), unix.Fstat(int(src.Fd()), &st)); err != nil {
		t.Fatal(err)
	}
	if !IsSparse(&st) {
		t.Fatal("the file system of the temporary directory has no holes: set TMPDIR to one that has")
	}
	n, err := Copy(t.Context(), int(dst.Fd()), int(src.Fd()), size, true, true, make([]byte, 4096))
	if err != nil || n != size || !bytes.Equal(content(t, dst), content(t, src)) {
		t.Errorf("copied %d: %v", n, err)
	}
	if err := unix.Fstat(int(dst.Fd()), &st); err != nil || st.Blocks > 100 {
		t.Errorf("%d blocks: %v", st.Blocks, err)
	}
}

func TestEqual(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789"), 1000)
	other := bytes.Clone(data)
	other[len(other)-1]++
	for _, c := range []struct {
		b    []byte
		want bool
	}{{data, true}, {other, false}, {data[:len(data)-1], false}} {
		got, err := Equal(t.Context(), int(file(t, data).Fd()), int(file(t, c.b).Fd()), int64(len(data)), make([]byte, 128))
		if got != c.want || err != nil {
			t.Errorf("%v, %v; want %v", got, err, c.want)
		}
	}
}

func TestReadAll(t *testing.T) {
	data := bytes.Repeat([]byte("x"), 10_000)
	f := file(t, data)
	for _, guess := range []int64{0, 1, 10_000, 20_000} { // the size may have been another
		if got, err := ReadAll(t.Context(), int(f.Fd()), guess, 20_000); err != nil || !bytes.Equal(got, data) {
			t.Errorf("guess %d: %d bytes, %v", guess, len(got), err)
		}
	}
	for _, guess := range []int64{0, 10_000} {
		if _, err := ReadAll(t.Context(), int(f.Fd()), guess, 9_999); err != unix.EFBIG {
			t.Errorf("guess %d: %v", guess, err)
		}
	}
}

func TestUnchanged(t *testing.T) {
	f := file(t, []byte("1"))
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(f.Name(), filepath.Join(t.TempDir(), "x")); err != nil {
		t.Fatal(err)
	}
	if same, err := Unchanged(int(f.Fd()), &st); !same || err != nil {
		t.Errorf("renamed: %v, %v", same, err)
	}
	if _, err := f.Write([]byte("2")); err != nil {
		t.Fatal(err)
	}
	if same, err := Unchanged(int(f.Fd()), &st); same || err != nil {
		t.Errorf("written to: %v, %v", same, err)
	}
}
