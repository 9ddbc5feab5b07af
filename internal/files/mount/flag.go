package mount

import (
	"errors"
	"fmt"
	"strings"

	"github.com/initbox/initbox/internal/fault"
)

// maxFlag is the size of the largest file that a flag may name, in bytes.
const maxFlag = 1 << 20

// Flag returns the content of the file that flag names. Its errors name both,
// and never contain anything from the file.
func (r *Reader) Flag(flag, path string) ([]byte, error) {
	f, err := r.Read(path, maxFlag)
	if err != nil {
		return nil, fmt.Errorf("--%s %s: %w", flag, path, err)
	}
	return f.Data, nil
}

// Secret returns the content of the file that flag names, without the line
// break that editors and echo leave at the end. Spaces stay: they may be part
// of a password.
func (r *Reader) Secret(flag, path string) (string, error) {
	data, err := r.Flag(flag, path)
	if err != nil {
		return "", err
	}
	line := TrimLineEnd(string(data))
	switch {
	case line == "":
		err = errors.New("it is empty")
	case strings.ContainsAny(line, "\n\x00"):
		err = errors.New("it holds more than one line, or a NUL byte")
	}
	if err != nil {
		return "", fault.WithNext(BadFlag(flag, path, err.Error()), nextContent)
	}
	return line, nil
}

// TrimLineEnd removes one line break from the end of s, as an editor or echo
// adds it.
func TrimLineEnd(s string) string {
	if rest, ok := strings.CutSuffix(s, "\n"); ok {
		return strings.TrimSuffix(rest, "\r")
	}
	return s
}

// BadFlag returns the error for a file that cannot be used.
func BadFlag(flag, path, why string) error {
	return fmt.Errorf("--%s %s: %s", flag, path, why)
}
