package files

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/initbox/initbox/internal/fault"
)

func TestMemoryLimit(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing")
	for content, fits := range map[string]bool{"33554432\n": false, "max\n": true, "9223372036854771712\n": true} {
		limit := filepath.Join(dir, "memory.max")
		if err := os.WriteFile(limit, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
		err := checkMemory(200<<20, []string{missing, limit})
		if fits != (err == nil) {
			t.Errorf("a limit of %q: got %v", content, err)
		}
		if !fits && (!strings.Contains(err.Error(), "200 MiB") || !strings.Contains(err.Error(), "32 MiB") || !strings.Contains(fault.NextOf(err), "limits.memory to 864Mi")) {
			t.Errorf("got %v, next %q", err, fault.NextOf(err))
		}
		if err := checkMemory(smallFile, []string{limit}); err != nil {
			t.Errorf("a small file: %v", err)
		}
	}
	if err := checkMemory(200<<20, []string{missing}); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
