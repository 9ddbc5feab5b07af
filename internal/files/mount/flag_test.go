package mount

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/initbox/initbox/internal/fault"
)

func TestSecret(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret")
	for content, want := range map[string]string{
		"plain": "plain", "line\n": "line", "dos\r\n": "dos", " blanks \n": " blanks ", "äß€\t!": "äß€\t!",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := new(Reader).Secret("f", path); err != nil || got != want {
			t.Errorf("%q: got %q, %v", content, got, err)
		}
	}
	for content, want := range map[string]string{
		"": "it is empty", "\n": "it is empty", "hidden\nhidden": "more than one line", "hidden\x00": "NUL", strings.Repeat("hidden", 1<<18): "larger than 1 MiB",
	} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := new(Reader).Secret("f", path)
		if fault.NextOf(err) == "" {
			t.Errorf("%.20q: no next step for %v", content, err)
		}
		if err == nil || !strings.Contains(err.Error(), "--f "+path+": ") || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%.20q: got %v, want %q", content, err, want)
		}
	}
}

// A file of an unusual kind never blocks.
func TestFlagRefuses(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{pipe: "not a regular file", dir: "it is a directory", dir + "/nosuch": "there is no such file"} {
		if _, err := new(Reader).Flag("f", path); err == nil || !strings.Contains(err.Error(), want) || fault.NextOf(err) == "" {
			t.Errorf("%s: got %v, want %q", path, err, want)
		}
	}
}
