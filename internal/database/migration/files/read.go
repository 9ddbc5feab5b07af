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
	"io/fs"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/initbox/initbox/internal/fault"
)

// maxSize bounds one file once it is unpacked: PostgreSQL takes no longer message.
const maxSize = 1 << 30

// read reads the file name in the folder real, which the user knows as dir.
func read(dir, real, name string) (File, error) {
	path := filepath.Join(dir, name)
	content, err := contentOf(filepath.Join(real, name))
	switch e := (*fs.PathError)(nil); {
	case errors.As(err, &e) && errors.Is(err, fs.ErrNotExist):
		return File{}, fault.Usagef("%s: a link to a file that does not exist", path)
	case errors.As(err, &e):
		return File{}, fault.Usagef("%s: %w", path, e.Err)
	case err != nil:
		return File{}, fault.WithNext(fault.Usagef("%s: %w", path, err), fault.NextOf(err))
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

// contentOf reads a file, and unpacks it if its name says so. It asks the kernel
// itself: a folder may hold thousands of files, and os.File does twice as much.
func contentOf(path string) ([]byte, error) {
	fd, err := syscall.Open(path, syscall.O_RDONLY|syscall.O_CLOEXEC|syscall.O_NONBLOCK, 0) // a pipe must not block
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	defer func() { _ = syscall.Close(fd) }()
	var info syscall.Stat_t
	switch err := syscall.Fstat(fd, &info); {
	case err != nil:
		return nil, &fs.PathError{Op: "stat", Path: path, Err: err}
	case info.Mode&syscall.S_IFMT != syscall.S_IFREG:
		return nil, errors.New("not a regular file")
	case info.Size > maxSize:
		return nil, errTooLarge
	}
	if err := checkMemory(info.Size, limitFiles); err != nil {
		return nil, err
	}
	content := make([]byte, info.Size)
	for n := 0; n < len(content); {
		m, err := syscall.Read(fd, content[n:])
		switch {
		case err == syscall.EINTR:
			continue
		case err != nil:
			return nil, &fs.PathError{Op: "read", Path: path, Err: err}
		case m == 0:
			return nil, io.ErrUnexpectedEOF
		}
		n += m
	}
	if strings.HasSuffix(path, ".gz") {
		return unpack(content)
	}
	return content, nil
}

var errTooLarge = fmt.Errorf("larger than %d MiB", maxSize>>20)

func unpack(content []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("not a gzip file: %w", err)
	}
	var b bytes.Buffer
	if n, err := b.ReadFrom(io.LimitReader(z, maxSize+1)); err != nil || n > maxSize {
		return nil, cmp.Or(err, errTooLarge)
	}
	return b.Bytes(), nil
}
