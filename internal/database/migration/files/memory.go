package files

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/initbox/initbox/internal/fault"
)

// limitFiles hold the memory that the container may use, in bytes: of cgroups
// version 2, or of version 1.
var limitFiles = []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}

const (
	smallFile = 1 << 20 // up to this size a file is not worth the look
	copies    = 4       // how often a file is in memory at most, on its way to the database
)

// checkMemory refuses a file of size bytes that the container has not the memory
// for: the kernel would end it without a word.
func checkMemory(size int64, limitFiles []string) error {
	limit := memoryLimit(limitFiles)
	if size <= smallFile || size*copies <= limit {
		return nil
	}
	return fault.WithNext(
		fmt.Errorf("it has %d MiB, which is too much for a container with a memory limit of %d MiB", size>>20, limit>>20),
		fmt.Sprintf("raise resources.limits.memory to %dMi, or make several files of it", size*copies>>20+64))
}

// largest returns how large a file may be.
func largest(limitFiles []string) int64 {
	return min(maxSize, max(smallFile, memoryLimit(limitFiles)/copies))
}

func memoryLimit(files []string) int64 {
	for _, file := range files {
		data, _ := os.ReadFile(file)
		if limit, err := strconv.ParseInt(strings.TrimSpace(string(data)), 10, 64); err == nil {
			return limit
		}
	}
	return math.MaxInt64 // none: version 2 says "max"
}
