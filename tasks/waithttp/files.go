package waithttp

import (
	"strings"

	"github.com/initbox/initbox/internal/files/inputfile"
)

// readLine returns the file's content without the line break that editors and
// echo leave at its end. It must be fit for a header.
func readLine(flag, path string) (string, error) {
	data, err := inputfile.Read(flag, path)
	if err != nil {
		return "", err
	}
	line := strings.TrimSpace(string(data))
	switch {
	case line == "":
		return "", inputfile.Bad(flag, path, "it is empty")
	case !isFieldValue(line):
		return "", inputfile.Bad(flag, path, "it holds more than one line, or a control character")
	}
	return line, nil
}
