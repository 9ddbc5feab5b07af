package files

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/initbox/initbox/internal/fault"
	"github.com/initbox/initbox/internal/files/mount"
)

// maxSize bounds one file once it is unpacked: PostgreSQL takes no longer message.
const maxSize = 1 << 30

// A folder has migrations or seeds.
type folder struct {
	files *mount.Reader
	dir   string
	limit int64 // of one file
}

// list returns the names in f without hidden ones.
func (f folder) list() (names []string, err error) {
	_, entries, err := f.files.List(f.dir)
	if err != nil {
		return nil, fault.Usagef("%s: %w", f.dir, err)
	}
	for _, e := range entries {
		if e.Name[0] != '.' {
			names = append(names, e.Name)
		}
	}
	return names, nil
}

// read reads the file name, and unpacks it if its name says so.
func (f folder) read(name string) (File, error) {
	path := filepath.Join(f.dir, name)
	content, err := f.content(path)
	if err != nil {
		return File{}, fault.Usagef("%s: %w", path, err)
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if len(bytes.TrimSpace(content)) == 0 {
		return File{}, fault.Usagef("%s is empty: delete it, or write a comment if it is to do nothing", path)
	}
	if i := bytes.IndexByte(content, 0); i >= 0 {
		return File{}, fault.Usagef("%s: line %d has a NUL byte: it must be text in UTF-8", path, 1+bytes.Count(content[:i], []byte("\n")))
	}
	sum := sha256.Sum256(content)
	return File{Name: name, SQL: string(content), SHA256: hex.EncodeToString(sum[:])}, nil
}

func (f folder) content(path string) ([]byte, error) {
	file, err := f.files.Read(path, f.limit)
	if large := (*mount.TooLarge)(nil); errors.As(err, &large) && large.Size <= maxSize {
		err = checkMemory(large.Size, limitFiles)
	}
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".gz") {
		return unpack(file.Data)
	}
	return file.Data, nil
}

func unpack(content []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("not a gzip file: %w", err)
	}
	var b bytes.Buffer
	if n, err := b.ReadFrom(io.LimitReader(z, maxSize+1)); err != nil || n > maxSize {
		return nil, cmp.Or[error](err, &mount.TooLarge{Size: n, Limit: maxSize})
	}
	return b.Bytes(), nil
}
