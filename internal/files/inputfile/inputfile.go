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

	"github.com/initbox/initbox/internal/fault"
)

// maxSize is the size of the largest file that a flag may name, in bytes.
const maxSize = 1 << 20

// Read returns the content of the file that flag names. Only regular files are
// read, since any other may block for ever.
func Read(flag, path string) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, unreadable(flag, path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, unreadable(flag, path, err)
	case !info.Mode().IsRegular():
		return nil, fault.WithNext(Bad(flag, path, "it is not a regular file"), nextMount)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxSize+1))
	switch {
	case err != nil:
		return nil, unreadable(flag, path, err)
	case len(data) > maxSize:
		return nil, fault.WithNext(Bad(flag, path, "it is larger than 1 MiB"), nextMount)
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
		return "", fault.WithNext(Bad(flag, path, "it is empty"), nextContent)
	case strings.ContainsAny(line, "\n\x00"):
		return "", fault.WithNext(Bad(flag, path, "it holds more than one line, or a NUL byte"), nextContent)
	}
	return line, nil
}

const (
	nextMissing = "check the path, the container's volumeMounts, and the keys of what is mounted there: kubectl describe secret,configmap"
	nextMount   = "check what is mounted there, and under which path: the container's volumeMounts"
	nextContent = "check the key of the Secret, and what fills it: kubectl describe secret shows the size of each"
)

// unreadable says why the system does not give the file.
func unreadable(flag, path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fault.WithNext(Bad(flag, path, "there is no such file"), nextMissing)
	case errors.Is(err, os.ErrPermission):
		return fault.WithNext(Bad(flag, path, fmt.Sprintf("UID %d may not read it", os.Getuid())),
			"set fsGroup in the pod's securityContext, or defaultMode in the volume")
	}
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fault.WithNext(Bad(flag, path, err.Error()), nextMount)
}

// Bad returns the error for a file that cannot be used.
func Bad(flag, path, why string) error {
	return fmt.Errorf("--%s %s: %s", flag, path, why)
}
