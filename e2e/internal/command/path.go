package command

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// SearchPath returns PATH with the folders of root's programs, which a user's PATH may lack.
func SearchPath() string { return os.Getenv("PATH") + ":/usr/sbin:/sbin" }

// LookPath finds a program in the folders of [SearchPath].
func LookPath(program string) (string, error) {
	for _, folder := range filepath.SplitList(SearchPath()) {
		if !filepath.IsAbs(folder) {
			continue // as package os/exec does, for safety
		}
		if path, err := exec.LookPath(filepath.Join(folder, program)); err == nil {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s: %w, nor in /usr/sbin and /sbin", program, exec.ErrNotFound)
}
