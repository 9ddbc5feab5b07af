package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// machine describes the time, the machine and the versions of a measurement.
func (b *bench) machine(ctx context.Context) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Measured on %s on %s, %d cores, %s of memory, Linux %s, %s on %s, load %s.\n\n",
		time.Now().UTC().Format("2006-01-02 15:04 UTC"), field("/proc/cpuinfo", "model name"), runtime.NumCPU(), memory(),
		firstLine(ctx, "uname", "-r"), firstLine(ctx, "findmnt", "-n", "-o", "FSTYPE", "-T", b.dir), b.dir, loads())
	fmt.Fprintf(&s, "- %s\n", firstLine(ctx, b.initbox, "version"))
	for _, p := range []string{"netcat-openbsd", "busybox-static", "coreutils", "rsync", "openssl", "postgresql-15", "mariadb-server"} {
		fmt.Fprintf(&s, "- Debian's %s: %s\n", p, firstLine(ctx, "dpkg-query", "-W", "-f", "${Version}", p))
	}
	for _, module := range []string{golangMigrate, goose, tern} {
		fmt.Fprintf(&s, "- Go module %s, built with %s\n", module, runtime.Version())
	}
	for _, p := range []string{"wait4x", "dockerize"} {
		what := "not on PATH"
		if _, err := exec.LookPath(p); err == nil {
			what = firstLine(ctx, p, map[string]string{"wait4x": "version", "dockerize": "-version"}[p])
		}
		fmt.Fprintf(&s, "- %s: %s\n", p, what)
	}
	return s.String()
}

// field returns the value of the first line of a file that begins with name.
func field(file, name string) string {
	text, _ := os.ReadFile(file)
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return "?"
}

func memory() string {
	var kib float64
	if n, _ := fmt.Sscan(field("/proc/meminfo", "MemTotal"), &kib); n != 1 {
		return "?"
	}
	return fmt.Sprintf("%.0f GB", kib*1024/1e9)
}

// loads returns the load averages: other programs on the machine affect the figures.
func loads() string {
	text, _ := os.ReadFile("/proc/loadavg")
	if f := strings.Fields(string(text)); len(f) >= 3 {
		return strings.Join(f[:3], " ")
	}
	return "?"
}

// firstLine returns the first line that a command prints, or "?".
func firstLine(ctx context.Context, name string, args ...string) string {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	if err != nil || line == "" {
		return "?"
	}
	return line
}
