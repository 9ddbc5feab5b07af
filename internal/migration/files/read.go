package files

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/initbox/initbox/tasks"
)

// maxSize bounds one file once it is unpacked: PostgreSQL takes no longer message.
const maxSize = 1 << 30

// read reads the file name in the folder real, which the user knows as dir.
func read(dir, real, name string) (File, error) {
	path := filepath.Join(dir, name)
	content, err := contentOf(filepath.Join(real, name))
	switch e := (*fs.PathError)(nil); {
	case errors.As(err, &e) && errors.Is(err, fs.ErrNotExist):
		return File{}, tasks.Usagef("%s: a link to a file that does not exist", path)
	case errors.As(err, &e):
		return File{}, tasks.Usagef("%s: %w", path, e.Err)
	case err != nil:
		return File{}, tasks.Usagef("%s: %w", path, err)
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(content)) == 0 {
		return File{}, tasks.Usagef("%s is empty: delete it, or write a comment if it is to do nothing", path)
	}
	if i := bytes.IndexByte(content, 0); i >= 0 {
		return File{}, tasks.Usagef("%s: line %d has a NUL byte: it must be text in UTF-8", path, 1+bytes.Count(content[:i], []byte("\n")))
	}
	sum := sha256.Sum256(content)
	return File{Name: name, SQL: string(content), SHA256: hex.EncodeToString(sum[:])}, nil
}

func contentOf(path string) ([]byte, error) {
	info, err := os.Stat(path) // before opening: a pipe would block
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("not a regular file")
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil, fmt.Errorf("not a gzip file: %w", err)
		}
		r = z
	}
	var b bytes.Buffer
	b.Grow(int(min(info.Size(), maxSize)) + bytes.MinRead)
	switch n, err := b.ReadFrom(io.LimitReader(r, maxSize+1)); {
	case err != nil:
		return nil, err
	case n > maxSize:
		return nil, fmt.Errorf("larger than %d MiB", maxSize>>20)
	}
	return b.Bytes(), nil
}
