package waithttp

import (
	"strings"

	"github.com/initbox/initbox/internal/files/mount"
)

// readLine returns the content of the file without white space around it, such as
// the line break that editors and echo leave at the end. The content must be fit
// for a header.
func readLine(files *mount.Reader, flag, path string) (string, error) {
	data, err := files.Flag(flag, path)
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(data))
	switch {
	case line == "":
		return "", mount.BadFlag(flag, path, "it is empty")
	case !isFieldValue(line):
		return "", mount.BadFlag(flag, path, "it holds more than one line, or a control character")
	}
	return line, nil
}
