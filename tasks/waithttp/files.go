package waithttp

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
)

// maxFile is the size of the largest file that a flag may name, in bytes.
const maxFile = 1 << 20

// readFile returns the content of the file that flag names. Only regular files
// are read, since any other may block for ever.
func readFile(flag, path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, badFile(flag, path, reason(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, badFile(flag, path, reason(err))
	case !info.Mode().IsRegular():
		return nil, badFile(flag, path, "it is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, badFile(flag, path, reason(err))
	case len(data) > maxFile:
		return nil, badFile(flag, path, "it is larger than 1 MiB")
	}
	return data, nil
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

func badFile(flag, path, why string) error {
	return fmt.Errorf("--%s %s: %s", flag, path, why)
}

// readLine returns the file's content without the line break that editors and
// echo leave at its end. It must be fit for a header.
func readLine(flag, path string) (string, error) {
	data, err := readFile(flag, path)
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(data))
	switch {
	case line == "":
		return "", badFile(flag, path, "it is empty")
	case !isFieldValue(line):
		return "", badFile(flag, path, "it holds more than one line, or a control character")
	}
	return line, nil
}
