// Package inputfile reads the files that flags name: certificates, passwords,
// headers, whatever a Secret or ConfigMap mounts. Its errors name the flag and
// the file, say what is wrong and never what the file holds.
package inputfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxSize is the size of the largest file that a flag may name, in bytes.
const maxSize = 1 << 20

// Read returns the content of the file that flag names. Only regular files are
// read, since any other may block for ever.
func Read(flag, path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, Bad(flag, path, reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, Bad(flag, path, reason(err))
	case !info.Mode().IsRegular():
		return nil, Bad(flag, path, "it is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	switch {
	case err != nil:
		return nil, Bad(flag, path, reason(err))
	case len(data) > maxSize:
		return nil, Bad(flag, path, "it is larger than 1 MiB")
	}
	return data, nil
}

// ReadSecret returns the content of the file without the line break that editors
// and echo leave at its end. Blanks stay: they may be part of a password.
func ReadSecret(flag, path string) (string, error) {
	data, err := Read(flag, path)
	if err != nil {
		return "", err
	}
	line := strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	switch {
	case line == "":
		return "", Bad(flag, path, "it is empty")
	case strings.ContainsAny(line, "\n\x00"):
		return "", Bad(flag, path, "it holds more than one line, or a NUL byte")
	}
	return line, nil
}

func reason(err error) string {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "there is no such file: check the path and that the volume is mounted"
	case errors.Is(err, os.ErrPermission):
		return fmt.Sprintf("UID %d may not read it: check securityContext.fsGroup and the volume's defaultMode", os.Getuid())
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return err.Error()
}

// Bad returns the error for a file that cannot be used.
func Bad(flag, path, why string) error {
	return fmt.Errorf("--%s %s: %s", flag, path, why)
}
